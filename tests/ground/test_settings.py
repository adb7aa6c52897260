"""What a shop may set, what is said when it cannot be taken, and the template of the file."""

import re
import tomllib
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, Strict

from ml.contact_timing import ContactTiming
from ml.economics import Economics
from orchestration.ground.currencies import CURRENCY_CODES
from orchestration.ground.errors import ComebackError
from orchestration.ground.settings import Settings, load_settings, parse_settings, write_template
from orchestration.ground.settings_schema import InWords, Mark, declared, in_words, marked
from orchestration.ground.settings_template import toml_template
from orchestration.warehouse.dbt_build import dbt_vars


def test_without_a_file_the_defaults_hold(tmp_path):
    settings = load_settings(tmp_path)
    assert settings == Settings()
    assert (settings.session_gap_minutes, settings.label_horizon_hours) == (30, 72)
    assert settings.passive_event_types == ("refund", "email_sent", "email_open")


def test_what_the_file_sets_overrides_the_default_and_nothing_else(tmp_path):
    (tmp_path / "comeback.toml").write_text(
        "session_gap_minutes = 20\n"
        "partitions_start = 2015-01-01\n"
        "[economics]\nmargin_rate = 0.5\n"
        "[sources]\nrees46 = 's3://bucket/rees46'\n"
    )
    settings = load_settings(tmp_path)
    assert settings.session_gap_minutes == 20
    assert settings.partitions_start == date(2015, 1, 1)
    assert settings.economics == Economics(margin_rate=0.5)
    assert settings.sources == {"rees46": "s3://bucket/rees46"}
    assert settings.cart_expiry_days == 30


def test_values_arrive_as_they_stand():
    settings = parse_settings(
        {
            "passive_event_types": ["push opened"],
            "holdout_share": 0,
            "holdout_key": ' it\'s "quoted" ',
            "clock_skew_minutes": 0,
            "economics": {"reminder_cost": 1},
        }
    )
    assert settings.passive_event_types == ("push opened",)
    assert (settings.holdout_share, settings.clock_skew_minutes) == (0.0, 0)
    assert settings.holdout_key == ' it\'s "quoted" '
    assert settings.economics == Economics(reminder_cost=1.0)
    assert isinstance(settings.economics.reminder_cost, float)
    assert parse_settings({"passive_event_types": []}).passive_event_types == ()


@pytest.mark.parametrize("size", ["4GB", "1.5 GiB", "512mb", "80%", "none"])
def test_sizes_that_the_database_takes_are_taken(size):
    assert parse_settings({"memory_limit": size}).memory_limit == size


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"sesion_gap": 3}, "unknown setting 'sesion_gap'"),
        ({"session_gap_minutes": "30"}, "'session_gap_minutes' cannot be '30'"),
        ({"session_gap_minutes": 0}, "a whole number of at least 1"),
        ({"session_gap_minutes": 30.0}, "'session_gap_minutes' cannot be 30.0"),
        ({"session_gap_minutes": True}, "'session_gap_minutes' cannot be True"),
        ({"session_gap_minutes": 10**12}, "at least 1 and at most 52,560,000"),
        ({"session_gap_minutes": 16**9999}, "cannot be so long a number"),
        ({"clock_skew_minutes": -1}, "a whole number of at least 0 and at most 1,440"),
        ({"holdout_share": 1}, "a number of at least 0 and below 1"),
        ({"holdout_share": float("nan")}, "'holdout_share' cannot be nan"),
        ({"holdout_share": False}, "'holdout_share' cannot be False"),
        ({"holdout_key": " "}, "a text that is not empty"),
        ({"holdout_key": 7}, "a text that is not empty"),
        ({"memory_limit": "lots"}, "a size such as 4GB"),
        ({"partitions_start": "2019-01-01"}, "a date such as 2019-01-01"),
        ({"partitions_start": datetime(2019, 1, 1)}, "a date such as 2019-01-01"),
        ({"passive_event_types": "refund"}, "give a list, each an event type such as refund"),
        ({"passive_event_types": ["refund", 3]}, "'passive_event_types' cannot be 3"),
        ({"passive_event_types": ["customer's"]}, "an event type such as refund"),
        ({"passive_event_types": ["a\\"]}, "an event type such as refund"),
        ({"passive_event_types": ["a\nb"]}, "an event type such as refund"),
        ({"passive_event_types": [" a"]}, "an event type such as refund"),
        ({"economics": 3}, "a table \\[economics\\]"),
        ({"economics": [{"margin_rate": 1}]}, "a table \\[economics\\]"),
        ({"economics": {"margin": 1}}, "unknown setting 'margin'"),
        ({"economics": {"margin_rate": "0.3"}}, "toml \\[economics\\], give a number"),
        ({"economics": {"margin_rate": True}}, "'margin_rate' cannot be True"),
        ({"economics": {"margin_rate": 2}}, "margin_rate is 2.0, it must be between 0 and 1"),
        ({"economics": {"margin_rate": float("nan")}}, "'margin_rate' cannot be nan"),
        ({"economics": {"reminder_cost": 1e12}}, "it must be below 1e12, .*\\[economics\\]"),
        ({"sources": {"rees46": 1}}, "'rees46' cannot be 1, .*\\[sources\\], give a text"),
        ({"sources": {"rees46": {"a": 1}}}, "'rees46' cannot be {'a': 1}"),
        ({"sources": "s3://bucket"}, "a table \\[sources\\]"),
        ({"holdout_key": ["x" * 999]}, r"cannot be \['x{78}\.\.\., /home"),
        ({"a\nb": 1}, "unknown setting 'a b'"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_line_that_names_it_and_its_place(values, complaint):
    with pytest.raises(ComebackError, match=complaint) as failure:
        parse_settings(values, where="/home/comeback.toml")
    assert "/home/comeback.toml" in str(failure.value)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize(
    ("values", "advice"),
    [
        ({"sesion_gap": 3}, "did you mean 'session_gap_minutes'? Known are: bot_event_count, "),
        ({"zzz": 3}, "remove it or use one of: bot_event_count, "),
        ({"economics": {"margin": 1}}, "did you mean 'margin_rate'? Known are: incentive_cost, "),
        ({"margin_rate": 0.2}, "write it below a line [economics]"),
        ({"economics": {"threads": 2}}, "write it above the first line that begins with ["),
        # an unknown one is named first: what it was meant to be is not set
        ({"threads": 0, "zzz": 3}, "remove it or use one of: bot_event_count, "),
    ],
)
def test_an_unknown_setting_is_refused_with_the_one_it_may_be_meant_for(values, advice):
    with pytest.raises(ComebackError) as failure:
        parse_settings(values)
    assert f", {advice}" in str(failure.value)


@pytest.mark.parametrize(
    "content",
    [
        b"session_gap_minutes 20",
        b"threads = 1\nthreads = 2",
        b"threads = " + b"9" * 5000,
        b"holdout_key = '\xff'",
        b"holdout_key = " + b"[" * 100_000,
    ],
)
def test_a_file_that_is_no_toml_is_refused_in_one_line(tmp_path, content):
    (tmp_path / "comeback.toml").write_bytes(content)
    with pytest.raises(ComebackError, match="the settings are no TOML") as failure:
        load_settings(tmp_path)
    assert str(tmp_path / "comeback.toml") in str(failure.value)


def test_a_byte_order_mark_and_line_ends_of_windows_are_read(tmp_path):
    (tmp_path / "comeback.toml").write_bytes(b"\xef\xbb\xbfthreads = 3\r\n[economics]\r\n")
    assert load_settings(tmp_path) == Settings(threads=3)


def test_the_digest_changes_with_what_changes_scores_and_with_nothing_else():
    assert Settings().digest == Settings(threads=7, memory_limit="1GB").digest
    assert Settings().digest != Settings(session_gap_minutes=31).digest
    assert Settings().digest != Settings(economics=Economics(margin_rate=0.5)).digest
    assert Settings().digest != Settings(bot_event_count=999).digest


def test_digests_that_stand_in_manifests_are_those_of_the_same_settings_still():
    assert Settings().digest == "56d02e3754ec"
    other = Settings(session_gap_minutes=31, passive_event_types=("refund", 'a"b'))
    assert other.digest == "a2191a95f979"
    tables = Settings(
        partitions_start=date(2015, 1, 1),
        economics=Economics(margin_rate=0.5),
        sources={"rees46": "s3://b/ü"},
    )
    assert tables.digest == "b364b7ccec0b"


class Shop(BaseModel):
    """A declaration with whatever a template may have to write."""

    model_config = ConfigDict(strict=True, extra="forbid", use_attribute_docstrings=True)

    stock: Annotated[int, Field(gt=0), Mark.LOG] = 3
    """How much there is of a thing, in a text that is so long that it does not fit into one line
    of a hundred signs."""
    motto: str = 'it\'s "so" \\ \t \n # \x7f \x00 ü 😀'
    """# a text"""
    names: Annotated[tuple[Annotated[str, Field()], ...], Strict(False)] = ("'", '"', "#")
    """Names."""
    rate: Annotated[float, Field(ge=0.5, lt=2)] = 0.5
    """A rate."""
    most: float = 1e16
    """The most."""
    is_open: bool = False
    """Whether."""
    since: date = date(1999, 12, 31)
    """When."""
    places: dict[str, str] = Field({"the north": "a", "b-1": "="}, examples=[{"south": "c"}])
    """Where."""


def without_marks(template: str) -> str:
    """The settings of a template set: a # that no blank follows goes."""
    return re.sub(r"^#(?=\S)", "", template, flags=re.MULTILINE)


@pytest.mark.parametrize("model", [Settings, Shop])
def test_a_template_sets_nothing_and_without_its_marks_the_defaults(model):
    template = toml_template(model)
    assert tomllib.loads(template) == {}
    values = tomllib.loads(without_marks(template))
    assert set(values) == set(model.model_fields) - set(marked(model, Mark.FILE))
    assert model.model_validate(values) == model()


@given(st.text(), st.text(), st.lists(st.text()))
def test_texts_of_a_template_are_read_as_they_were_whatever_is_in_them(text, key, texts):
    class Hostile(BaseModel):
        motto: str = text
        names: tuple[str, ...] = tuple(texts)
        places: dict[str, str] = {key: text}

    values = tomllib.loads(without_marks(toml_template(Hostile)))
    assert values == {"motto": text, "names": texts, "places": {key: text}}


def test_a_template_says_of_a_setting_what_it_is_what_fits_and_the_default():
    template = toml_template(Shop)
    assert (
        "\n\n# How much there is of a thing, in a text that is so long that it does not fit"
        " into one line of a\n# hundred signs.\n# A whole number above 0.\n"
        "# Another value makes the next run build all tables again.\n#stock = 3\n\n"
    ) in template
    assert "\n# A rate.\n# A number of at least 0.5 and below 2.\n#rate = 0.5\n" in template
    assert "\n# The most.\n# A number.\n#most = 1e+16\n" in template
    assert template.endswith(
        '\n# Where.\n# A text.\n# Such as: south = "c"\n#[places]\n#"the north" = "a"\n#b-1 = "="\n'
    )


def test_every_setting_has_a_description_and_those_of_the_economics_are_those_of_ml():
    for kind in (Settings, Economics):
        assert [name for name, field in declared(kind).items() if not field.description] == []
    assert list(declared(Economics)) == [each.name for each in fields(Economics)]
    assert declared(Economics)["reminder_cost"].description == (
        "cost of one reminder: sending it, and the people it makes unsubscribe."
    )


def test_what_fits_is_said_in_words_or_not_at_all():
    class Odd(BaseModel):
        many: Annotated[int, Field(multiple_of=3)] = 3
        code: Annotated[str, Field(pattern="^a")] = "a"
        raw: bytes = b""
        named: Annotated[str, Field(pattern="^a"), InWords("a word with a")] = "a"

    for name in ("many", "code", "raw"):
        with pytest.raises(TypeError, match="there are no words for"):
            in_words(Odd.model_fields[name])
    assert in_words(Odd.model_fields["named"]) == "a word with a"


def test_marks_are_read_in_the_order_of_the_declaration():
    assert marked(Shop, Mark.LOG) == ["stock"]
    of_the_hour = ["label_horizon_hours", "scoring_window_days", "engagement"]
    assert marked(Settings, Mark.HOUR) == of_the_hour


def test_the_template_is_written_once_and_never_over_a_file(tmp_path):
    home = tmp_path / "new" / "home"
    path = write_template(home)
    assert path == home / "comeback.toml"
    assert path.read_text(encoding="utf-8") == toml_template(Settings)
    assert load_settings(home) == Settings()
    path.write_text("threads = 3\n")
    with pytest.raises(ComebackError, match=r"there are settings already, .*\.toml, edit"):
        write_template(home)
    assert path.read_text() == "threads = 3\n"


def test_a_template_that_cannot_be_written_is_refused_in_one_line(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ComebackError, match="cannot write the settings"):
        write_template(tmp_path / "file")
    (tmp_path / "comeback.toml").symlink_to(tmp_path / "elsewhere.toml")
    with pytest.raises(ComebackError, match="there are settings already"):
        write_template(tmp_path)
    assert not (tmp_path / "elsewhere.toml").exists()


def test_words_of_the_shop_for_nobody_are_a_table_of_their_own(tmp_path):
    (tmp_path / "comeback.toml").write_text("[ids]\nplaceholders = ['till 1', \"it's\", 'a\\b']\n")
    settings = load_settings(tmp_path)
    assert settings.ids.placeholders == ("till 1", "it's", "a\\b")
    assert settings.digest != Settings().digest
    assert dbt_vars(settings)["ids"] == {"placeholders": ["till 1", "it's", "a\\b"]}
    assert "ids" in dbt_vars(settings)["log_variables"]
    with pytest.raises(
        ComebackError, match=r"'placeholders' cannot be 'x', .*\[ids\], give a list"
    ):
        parse_settings({"ids": {"placeholders": "x"}})
    with pytest.raises(ComebackError, match=r"\[ids\], give a list, each a text that is not"):
        parse_settings({"ids": {"placeholders": [" "]}})


def test_rates_are_the_decimals_that_were_written_and_go_to_dbt_as_texts(tmp_path):
    (tmp_path / "comeback.toml").write_text(
        '[money]\nreporting_currency = "EUR"\n[money.rates]\nJPY = 0.006\nKRW = 1e-7\nGBP = 2\n'
    )
    money = load_settings(tmp_path).money
    assert money.rates == {"JPY": Decimal("0.006"), "KRW": Decimal("1E-7"), "GBP": Decimal(2)}
    assert dbt_vars(load_settings(tmp_path))["money"] == {
        "reporting_currency": "EUR",
        "rates": {"JPY": "0.006", "KRW": "0.0000001", "GBP": "2"},
    }
    assert "money" in dbt_vars(Settings())["log_variables"]
    assert load_settings(tmp_path).digest != Settings().digest


@pytest.mark.parametrize(
    ("money", "complaint"),
    [
        ({"reporting_currency": "EURO"}, r"'EURO' is no currency code .*\[money\]"),
        ({"reporting_currency": "eur"}, "'eur' is no currency code"),
        ({"reporting_currency": 7}, r"'reporting_currency' cannot be 7, .*\[money\], give a code"),
        ({"rates": {"YEN": 1}}, "'YEN' is no currency code"),
        ({"rates": {"": 1}}, "a rate needs a currency code"),
        ({"rates": {"JPY": 0}}, r"0 is no rate: give a number above 0 .*\[money.rates\]"),
        ({"rates": {"JPY": -0.1}}, "-0.1 is no rate"),
        ({"rates": {"JPY": float("inf")}}, "inf is no rate"),
        ({"rates": {"JPY": float("nan")}}, "nan is no rate"),
        ({"rates": {"JPY": 1e6}}, "1000000.0 is no rate"),
        ({"rates": {"JPY": 1e-13}}, "1e-13 is no rate"),
        ({"rates": {"JPY": "0.006"}}, r"'JPY' cannot be '0.006', .*\[money.rates\], give a number"),
        ({"rates": {"JPY": True}}, "'JPY' cannot be True"),
        ({"rates": 3}, r"'rates' cannot be 3|a table \[rates\]"),
        ({"reporting_currency": "EUR", "rates": {"EUR": 2}}, "EUR is the reporting currency"),
        ({"rate": {}}, "unknown setting 'rate'"),
    ],
)
def test_money_that_cannot_be_is_refused_in_one_line(money, complaint):
    with pytest.raises(ComebackError, match=complaint) as failure:
        parse_settings({"money": money})
    assert "\n" not in str(failure.value)


def test_effects_by_delay_replace_those_of_the_default_and_may_stand_in_any_order(tmp_path):
    (tmp_path / "comeback.toml").write_text(
        "[contacts]\nfloor_hours = 2\n[contacts.delay_odds_ratios]\n24 = 1.0\n'0.5' = 0.7\n"
    )
    settings = load_settings(tmp_path)
    assert settings.contacts.timing == ContactTiming(
        floor_hours=2.0, delay_odds_ratios=((0.5, 0.7), (24.0, 1.0))
    )
    assert Settings().contacts.timing == ContactTiming()
    assert settings.digest != Settings().digest
    assert settings.assumptions != Settings().assumptions
    assert Settings(threads=9).assumptions == Settings().assumptions


@pytest.mark.parametrize(
    ("contacts", "complaint"),
    [
        ({"floor_hours": 200}, r"must be 0 <= floor_hours <= cap_hours, .*\[contacts\]"),
        ({"floor_hours": -1}, "a number of at least 0"),
        ({"delay_odds_ratios": {"soon": 1.0}}, "delay_odds_ratios need hours such as 24"),
        ({"delay_odds_ratios": {"1": 0}}, "a number above 0 and at most 1,000"),
        ({"delay_odds_ratios": {}}, "each given once"),
        ({"delay_odds_ratios": {"1": 1.0, "1.0": 0.5}}, "each given once"),
        ({"capp_hours": 4}, "did you mean 'cap_hours'"),
    ],
)
def test_times_of_contact_that_cannot_be_are_refused_in_one_line(contacts, complaint):
    with pytest.raises(ComebackError, match=complaint) as failure:
        parse_settings({"contacts": contacts})
    assert "\n" not in str(failure.value)


def test_the_reporting_currency_may_have_the_rate_1():
    settings = parse_settings({"money": {"reporting_currency": "EUR", "rates": {"EUR": 1}}})
    assert settings.money.rates == {"EUR": Decimal(1)}


def test_the_codes_of_settings_are_those_of_delivered_rows():
    assert len(CURRENCY_CODES) == 161
    assert {"EUR", "JPY", "SLE", "VED", "ZWG", "HRK", "XCG"} <= CURRENCY_CODES
    assert not {"DEM", "XAU", "XXX"} & CURRENCY_CODES
