"""What dumps hold, as `comeback inspect` says it, against files counted by hand."""

import json
import logging
import re
from contextlib import nullcontext
from pathlib import Path

import duckdb
import pytest

from orchestration import inspection, inspection_trial
from orchestration.ground.checkout import DBT_PROJECT
from orchestration.ground.errors import WrongUsage
from orchestration.ground.home import Home
from orchestration.ground.settings import load_settings
from orchestration.inspection_ids import odd_id_lines
from orchestration.landing import Source, ensure_raw_tables
from orchestration.landing.locations import sources_in
from orchestration.landing.sources import Column
from orchestration.warehouse import dbt_build


def row(visitor: str | None, at: str, word: str, **more: object) -> dict[str, object]:
    return {"visitor_id": visitor, "event_at": at, "event_type": word, **more}


ITEMS = [
    {"item_id": "shoe", "quantity": 1, "price": "10.00"},
    {"item_id": "hat", "quantity": 2, "price": None},
]
ROWS = [
    row("a", "2026-03-02 10:00:00", "Product Added", items=ITEMS, currency="EUR", event_id="1"),
    row("a", "2026-03-02 10:00:00", "Product Added", items=ITEMS, currency="EUR", event_id="1"),
    row("a", "2026-03-02T10:05:00Z", "Order Completed", order_id="o1", order_value="30.00",
        currency="EUR", event_id="2"),
    row("guest", "2026-03-02T10:06:00Z", "page", event_id="3", user_id="u7"),
    row("(not set)", "2026-03-02T10:06:00Z", "page", event_id="4"),
    row("b", "yesterday", "page", event_id="5"),
    row("d", "tomorrow", "page", event_id="13", user_id="u8", item_id="cap", price="1.00"),
    row("b", "2026-03-02T11:00:00Z", "spin the wheel", event_id="6", shoe_size="44",
        day="2026-03-02", **{"": "0"}),
    row("b", "2026-03-02T11:01:00Z", "add to cart", item_id="tie", price="-1", currency="EUR",
        event_id="7"),
    row("c", "2026-03-02T10:07:00Z", "page", event_id="8",
        page_url="https://shop.example/products/shoe?gclid=1"),
    row("c", "2026-03-02T10:07:01Z", "Product Viewed", event_id="9", item_id="shoe",
        page_url="https://shop.example/products/shoe"),
    row("c", "2026-03-02T10:08:00Z", "page", event_id="10", page_url="https://shop.example/cart/"),
    row("c", "2026-03-02T10:09:00Z", "page", event_id="11", page_url="https://shop.example/about"),
    row("c", "2026-03-02T10:10:00Z", "page", event_id="12", page_url="https://shop.example/about/"),
]  # fmt: skip
EXPECTED = """\
Source      canonical: columns eventat, eventtype, visitorid
Files       1 file, 14 rows
Rows        10 become events, 1 are duplicates, 3 would be dropped; 1 would be repaired
Not read    notes.pdf: pdf
Columns     read: event_id, visitor_id, user_id, event_at, event_type, item_id, price, currency, \
order_id, order_value, page_url, items
            without a value: item_category, item_brand, quantity, referrer, utm_source, \
utm_medium, utm_campaign, device_type, country
            put before the time where that is a time of day: day
            not read: (without a name), shoe_size
Types       page 8 -> page_view; Product Added 2 -> add_to_cart; Order Completed 1 -> purchase; \
Product Viewed 1 -> view_item; add to cart 1 -> add_to_cart; spin the wheel 1 -> activity only
Ids         4 visitors, 1 user, 1 row of nobody
            visitor_id means nobody in: (not set) 1, guest 1
Time        2026-03-02 10:00:00 to 2026-03-02 11:01:00 UTC; 2 times without an offset, read as UTC
Pages       5 page views, 3 without a type by their address; 1 of an item, 0 of a list, 1 of \
them beside a view that was delivered
            without a type: /about 2 (address_rules.csv gives them one)
Items       2 rows with an item, 2 rows with a list of 4 in all (2 without a price); 2 adds, 1 \
without a price
Currencies  of prices: EUR 2
Dropped     bad_time: 2 rows, the first is line 6 of day.jsonl: {"event_id": "5", \
"visitor_id": "b", "event_at": "yesterday", "event_type": "page"}
Dropped     no_identity: 1 row, the first is line 5 of day.jsonl: {"event_id": "4", \
"visitor_id": "(not set)", "event_at": "2026-03-02T10:06:00Z", "event_type": "page"}
Repaired    bad_price: 1 row, the first is line 9 of day.jsonl: price -1: {"event_id": "7", \
"visitor_id": "b", "event_at": "2026-03-02T11:01:00Z", "event_type": "add to cart", \
"item_id": "tie", "price": "-1", "currency": "EUR"}
A run makes 4 sessions, 2 carts (1 converted, 1 open), 1 order
            orders in EUR: 1, worth 30.0000"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def dumps(tmp_path: Path) -> Path:
    folder = tmp_path / "dumps"
    folder.mkdir()
    (folder / "notes.pdf").write_bytes(b"%PDF-1.7")
    (folder / "day.jsonl").write_text("\n".join(map(json.dumps, ROWS)) + "\n")
    return folder


def test_what_files_hold_and_what_a_run_would_make_of_them(
    home: Home, dumps: Path, monkeypatch: pytest.MonkeyPatch
):
    found = "\n".join(inspection.inspect(home, [str(dumps)], None))
    assert found == EXPECTED
    assert not home.root.exists()
    # what dbt sends is asked once
    with monkeypatch.context() as patch:
        patch.setattr(dbt_build, "build", None)
        assert inspection.inspect(home, [str(dumps)], None) == found.split("\n")


def test_a_calendar_says_which_sales_it_makes_by_the_shops_clocks(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # dbt is asked here and not by another process, which would have to load it first
    monkeypatch.setattr(inspection_trial, "asked_meanwhile", lambda *_: nullcontext(lambda: None))
    home.prepare()
    (home.root / "comeback.toml").write_text('[contacts]\ntime_zone = "Europe/Berlin"\n')
    (tmp_path / "calendar").mkdir()
    (tmp_path / "calendar" / "sales.csv").write_text(
        "from,to,name,country\n2026-11-27,2026-11-30,Black Friday,\n"
        "2026-12-01T12:00,2026-12-02,,uk\n"
        "2026-11-27,2026-11-30,Black Friday,\n2026-12-24,2026-12-01,Backwards,DE\n"
    )
    assert inspection.inspect(home, [str(tmp_path / "calendar")], None) == [
        "Source      calendar: columns from, to",
        "Files       1 file, 4 rows",
        "Rows        2 become sales, 1 are duplicates, 1 would be dropped; 0 would be repaired",
        "Columns     read: starts_at, ends_at, name, country",
        "Sale        2026-11-26 23:00 to 2026-11-30 23:00 UTC, all countries: Black Friday",
        "Sale        2026-12-01 11:00 to 2026-12-02 23:00 UTC, GB: none",
        "Dropped     bad_span: 1 row, the first is line 5 of sales.csv:"
        ' {"starts_at": "2026-12-24", "ends_at": "2026-12-01", "name": "Backwards",'
        ' "country": "DE"}',
    ]


def test_rates_and_profiles_say_what_they_hold_and_nothing_of_events(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(inspection_trial, "asked_meanwhile", lambda *_: nullcontext(lambda: None))
    (tmp_path / "rates.csv").write_text(
        "date,currency,rate\n2026-11-01,USD,0.90\n2026-11-25,USD,0.95\n2026-11-25,JPY,0.006\n"
        "2026-11-26,JPY,N/A\n"
    )
    assert inspection.inspect(home, [str(tmp_path / "rates.csv")], "exchange_rates")[4:-1] == [
        "Rates       USD: 2 rates, 2026-11-01 00:00 to 2026-11-25 00:00 UTC;"
        " by the newest 1 USD is worth 0.95 of the reporting currency",
        "Rates       JPY: 1 rate, 2026-11-25 00:00 to 2026-11-25 00:00 UTC;"
        " by the newest 1 JPY is worth 0.006 of the reporting currency",
    ]
    (tmp_path / "people.csv").write_text(
        "user_id,email_consent,sms_consent,updated_at\n7,1.0,yes,2026-11-20T10:00:00Z\n"
        "8,0.0,no,2026-11-20T10:00:00Z\n9,,,2026-11-20T10:00:00Z\n"
    )
    assert inspection.inspect(home, [str(tmp_path / "people.csv")], "profiles")[5:] == [
        "Consent     email_consent: 2 rows say something, 0 of them allow; what allows is granted,"
        " true, yes, 1, subscribed, opted_in",
        "Consent     sms_consent: 2 rows say something, 1 of them allow",
    ]
    assert "Landed" not in caplog.text


def test_words_and_prices_are_counted_where_they_stand(tmp_path: Path):
    """The words of Segment stand in two columns, and the first of a list in the row's own too."""
    source = sources_in(DBT_PROJECT)["segment"]
    with duckdb.connect() as connection:
        connection.execute(
            """
            create schema raw;
            create table raw.segment as
            select * from (values (1, 1, 'Product Added', 'product_added'),
                (1, 2, null, 'Product Added'), (1, 3, null, 'Spin'), (1, 4, null, null),
                (1, 5, null, 'product_added')) as row (_load_id, _line, event_text, event);
            create table main.candidate_events as
            select *, 1 as load_id, null as drop_reason from (values
                (1, 10, 'add_to_cart', 'a', 2.50, 'EUR'), (2, 20, 'add_to_cart', null, null, 'USD'),
                (3, 30, 'Spin', null, null, null), (4, 40, 'page_view', null, null, null),
                (5, 50, 'add_to_cart', 'b', 4.00, null), (6, 60, 'add_to_cart', 'b', null, null)
            ) as row (line, row_key, event_type, item_id, price, currency);
            create table main.duplicate_rows as select 60 as row_key;
            create table main.candidate_items as
            select * from (values (10, 2.50, null), (10, 3.00, 'CHF'), (20, 1.00, null),
                (20, null, null)) as item (row_key, price, currency)
            """
        )
        types = [*inspection._type_lines(connection, source, load_settings(tmp_path))]
        items = [*inspection._item_lines(connection)]
    assert types == [
        "Types       Product Added 2 -> add_to_cart; Spin 1 -> activity only; page_view 1 ->"
        " page_view; product_added 1 -> add_to_cart"
    ]
    assert items == [
        "Items       3 rows with an item, 2 rows with a list of 4 in all (1 without a price);"
        " 3 adds, 0 without a price",
        "Currencies  of prices: CHF 1, EUR 1, USD 1, none 1",
    ]


def test_a_source_that_there_is_not_is_refused_before_any_work(home: Home, dumps: Path):
    with pytest.raises(WrongUsage, match="no source 'till'"):
        inspection.inspect(home, [str(dumps)], "till")


def test_where_several_sources_fit_it_asks(home: Home, dumps: Path):
    (dumps / "day.jsonl").unlink()
    header = "visitor_id,event_at,client_id,timestamp,event_name,event_data,event_type"
    (dumps / "a.csv").write_text(f"{header}\n")
    with pytest.raises(WrongUsage, match="fit several sources: canonical, shopify_pixel"):
        inspection.inspect(home, [str(dumps)], None)


@pytest.mark.parametrize(
    ("time", "is_local"),
    [
        ("2026-03-02 10:00:00", True),
        ("20260302T100000", True),
        ("2026/3/2 9:05", True),
        ("31.12.2026 23:59:00", True),
        ("31-12-2026", True),
        ("31.12.2026 23:59:00 +0100", False),
        ("2026-03-02T10:00:00.25+01:00", False),
        ("2026-03-02 10:00:00 UTC", False),
        ("1795168800", False),
    ],
)
def test_a_time_without_an_offset_is_told_whatever_its_form(time: str, is_local: bool):
    found = re.search(inspection.DATE, time) and not re.search(inspection.OFFSET, time)
    assert bool(found) is is_local


def test_times_that_are_days_alone_are_told():
    source = sources_in(DBT_PROJECT)["canonical"]
    days = ["2026-11-28", "2026-11-28 00:00:00", "2026-11-28T00:00:00.000+01:00", "20261128"]
    with duckdb.connect() as connection:
        connection.execute(
            "create schema raw; create table raw.canonical (event_at varchar);"
            "create table main.candidate_events as select timestamp '2026-11-28' as event_at,"
            " null as drop_reason"
        )
        connection.executemany("insert into raw.canonical values (?)", [[day] for day in days])
        (line,) = inspection._time_lines(connection, source)
        assert "; 4 of 4 times are a day without a time of day, read as its midnight: " in line
        others = ["2026-11-28 00:00:01", "1795168800", "2026-11-28T01:00Z", "2026-11-28 10:00:00"]
        connection.executemany("insert into raw.canonical values (?)", [[each] for each in others])
        (line,) = inspection._time_lines(connection, source)
        assert "a day without" not in line


def test_of_many_files_the_first_are_named_and_the_others_counted():
    with duckdb.connect() as connection:
        connection.execute(
            """
            create table main.landed_files as
            select i as load_id, i || '.pdf' as file, 0 as rows_read, 0 as rows_accepted,
                0 as rows_duplicate, 0 as rows_dropped, 0 as rows_repaired,
                if(i < 12, 'pdf', null) as skipped_reason, if(i > 11, 'odd', 'a PDF') as note
            from range(23) numbers(i)
            """
        )
        source = Source("till", ())
        lines = [*inspection._file_lines(connection, source)]
    assert lines[2:] == [
        *(f"Not read    {number}.pdf: pdf" for number in range(10)),
        "            and 2 more files",
        *(f"Note        {number}.pdf: odd" for number in range(12, 22)),
        "            and 1 more file",
    ]


def test_ids_that_are_addresses_and_ids_that_erasing_could_not_find_are_said():
    source = Source("till", (Column("cookie", identities=(("visitor", None),)), Column("card")))
    with duckdb.connect() as connection:
        ensure_raw_tables(connection, {"till": source})
        connection.execute(
            """
            insert into raw.till (_load_id, _line, cookie, card)
            values (1, 1, 'c1', 'Anna@shop.example'), (1, 2, 'c2', 'u@v'), (1, 3, null, null);
            create table main.candidate_events as
            select _load_id as load_id, _line as line, cookie as visitor_id, card as user_id
            from raw.till
            """
        )
        assert [*odd_id_lines(connection, source)] == [
            "            e-mail addresses as ids of users: 1; they would stand in every table: let"
            " the SQL of the source hash them",
            "            ids of users out of columns that are no `identity`: 2; erasing would not"
            " find what was delivered: mark the columns in the yml",
        ]
