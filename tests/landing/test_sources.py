"""Source definitions: what the project's own say, and what is wrong with bad ones."""

from pathlib import Path

import pytest

from orchestration.ground.errors import ComebackError, WrongUsage
from orchestration.landing import load_sources, source_named
from orchestration.landing.sources import RATES, SALES

PERSON = "{name: a, config: {meta: {required: true, identity: visitor}}}"


PEOPLE = {
    "contacts": {"contacted_at", "status"},
    "erasures": {"user_id", "visitor_id"},
    "profiles": {"user_id", "updated_at"},
    "suppressions": {"channel", "suppressed_at"},
}


def test_the_project_declares_its_sources_of_events_rates_and_sales_and_those_of_people(sources):
    assert {name for name, source in sources.items() if source.is_private} == PEOPLE.keys()
    assert {source.schema for source in sources.values() if source.is_private} == {"vault"}
    assert [name for name in sources if name not in PEOPLE] == [
        "amplitude",
        "calendar",
        "canonical",
        "exchange_rates",
        "ga4",
        "mixpanel",
        "rees46",
        "segment",
        "shopify_pixel",
        "snowplow",
        "tealium",
    ]
    assert [name for name, source in sources.items() if source.holds == RATES] == ["exchange_rates"]
    assert [name for name, source in sources.items() if source.holds == SALES] == ["calendar"]
    assert sources["rees46"].header == (
        "event_time",
        "event_type",
        "product_id",
        "category_id",
        "category_code",
        "brand",
        "price",
        "user_id",
        "user_session",
    )
    assert {name: source.required_names for name, source in sources.items()} == {
        **PEOPLE,
        "amplitude": {"device_id", "user_id", "event_time", "event_type"},
        "calendar": {"starts_at", "ends_at"},
        "canonical": {"visitor_id", "user_id", "event_at", "event_type"},
        "exchange_rates": {"date", "currency", "rate"},
        "ga4": {"user_pseudo_id", "user_id", "event_timestamp", "event_name"},
        "mixpanel": {"event", "properties"},
        "rees46": {"event_time", "event_type", "user_id"},
        "segment": {"anonymous_id", "user_id", "type", "timestamp"},
        "shopify_pixel": {"client_id", "timestamp", "event_name"},
        "snowplow": {"collector_tstamp", "derived_tstamp", "event", "event_id", "domain_userid"},
        "tealium": {"tealium_event", "data", "event_time", "tealium_visitor_id"},
    }


@pytest.mark.parametrize(
    ("delivered", "column"),
    [
        ("clientId", "visitor_id"),
        ("Anonymous ID", "visitor_id"),
        ("customer-id", "user_id"),
        ("timestamp", "event_at"),
        ("event", "event_type"),
        ("sku", "item_id"),
        ("transaction_id", "order_id"),
        ("revenue", "order_value"),
    ],
)
def test_dumps_near_our_words_are_understood(sources, delivered, column):
    assert sources["canonical"].target(delivered)[0] == column


def test_a_list_of_what_a_euro_buys_is_not_taken_for_rates(sources):
    # the ECB's own columns: OBS_VALUE is the other way round
    columns = ("CURRENCY", "CURRENCY_DENOM", "TIME_PERIOD", "OBS_VALUE")
    known = {name: sources["exchange_rates"].target(name) for name in columns}
    assert [name for name in columns if known[name]] == ["CURRENCY"]


def test_no_name_of_an_address_or_number_stands_for_anything_outside_of_the_vault(sources):
    names = ["email", "e-mail", "user_email", "email_hash", "phone", "phone_number", "tel"]
    others = [source for source in sources.values() if not source.is_private]
    assert [s.target(name) for s in others for name in names] == [None] * (7 * len(others))


def test_an_unknown_source_is_answered_with_the_known_ones(sources):
    with pytest.raises(WrongUsage) as error:
        source_named(sources, "magento")
    assert str(error.value) == (
        f"no source 'magento', known sources: {', '.join(sources)}, name one of them"
    )


@pytest.mark.parametrize(
    ("columns", "meta", "complaint"),
    [
        ("[{name: a}]", "{}", "no column is required"),
        ("[{name: A}]", "{}", "'A' names no table or column"),
        (f"[{PERSON}]", "{zone: Mars}", "'Mars' is no time zone"),
        (f"[{PERSON}]", "{header: [b]}", "undeclared columns: b"),
        # dbt cannot keep a key that is a number
        (
            f"[{PERSON}]",
            "{signature: [{width: 3, words: {1: [x]}}]}",
            "a place in `words` is a text",
        ),
        ("[{name: a, config: {meta: {required: true}}}]", "{}", "so nobody could be erased"),
        (
            "[{name: a, config: {meta: {required: true, identity: pet}}}]",
            "{}",
            "the column a identifies a 'pet'",
        ),
        (
            "[{name: a, config: {meta: {required: true, identity: {user: card}}}}]",
            "{}",
            r"'card' is no path to the user in the column a, .*, give one like \$\.device\.id",
        ),
        (
            f"[{PERSON}, {{name: b, config: {{meta: {{aliases: [A]}}}}}}]",
            "{}",
            "the name 'A' stands for a and for b",
        ),
        # which dbt cannot read back
        (f"[{PERSON}]", "{look: [{width: 2, words: {1: [a]}}]}", "a place in `words` is a text, "),
    ],
)
def test_a_wrong_definition_is_one_clear_line(tmp_path: Path, columns, meta, complaint):
    (tmp_path / "shop.yml").write_text(
        "sources: [{name: raw, schema: raw, tables: "
        f"[{{name: shop, config: {{meta: {meta}}}, columns: {columns}}}]}}]"
    )
    with pytest.raises(ComebackError, match=complaint):
        load_sources(tmp_path)
