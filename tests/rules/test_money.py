"""Money of several currencies: values in the reporting one, at the rates of their time.

Belongs here: rates by hand, with the values that follow in carts, orders, sessions and snapshots,
and the shared case of currencies. Not here: what is done about a cart (tests/ml, tests/whole).
"""

import csv
import dataclasses
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from .apart import apart
from .cases import LOADED_AT, Row, add, at, buy, log, remove, view
from .heavy import heavy
from .recording import Recording
from .warehouse import Warehouse

HOUR = datetime(2026, 11, 26, 12, tzinfo=UTC)
JPY = ("2026-01-01", "JPY", "0.006")
KRW = ("2026-01-01", "KRW", "0.00065")
MONEY = ("carts", "order_values", "sessions", "scoring_snapshots", "amounts_without_rate")

Rate = tuple[str, str, str]


def yen(visitor: str, time: str, price: str = "1000", **more: str) -> Row:
    return add(visitor, time, price=price, currency="JPY", **more)


def euro(visitor: str, time: str, price: str = "10", **more: str) -> Row:
    return add(visitor, time, price=price, currency="EUR", **more)


def values(warehouse: Warehouse, table: str = "carts") -> dict[str, tuple]:
    """By visitor: own value, own currency, value in the reporting currency."""
    own = "order_value" if table == "order_values" else "cart_value"
    rows = warehouse.query(f"select visitor_id, {own} as own, currency, {own}_base from {table}")
    return {row["visitor_id"]: (row["own"], row["currency"], row[f"{own}_base"]) for row in rows}


def lacking(warehouse: Warehouse) -> list[tuple]:
    rows = warehouse.query("from amounts_without_rate order by kind, currency")
    return [(r["kind"], r["currency"], r["amount_count"], r["amount"]) for r in rows]


def in_euro(rows: Sequence[Row]) -> list[Row]:
    """The rows, and an order in EUR of somebody else: it makes the reporting currency."""
    return log(*rows, buy("Z", "09:00", "oz", order_value="1", currency="EUR"))


def test_the_case_of_currencies_with_rates(warehouse: Warehouse, shared_cases: Path):
    build_case(warehouse, shared_cases, [JPY, KRW])
    for table in ("carts", "scoring_snapshots"):
        assert values(warehouse, table) == {
            "c08-JPY0": (Decimal(15000), "JPY", Decimal(90)),
            "c08-EUR1": (Decimal(900), "EUR", Decimal(900)),
            "c08-JPY2": (Decimal(2000), "JPY", Decimal(12)),
            "c08-EUR3": (Decimal(95), "EUR", Decimal(95)),
            "c08-KRW4": (Decimal(130000), "KRW", Decimal("84.5")),
            "c08-mix": (None, None, Decimal(180)),
        }
    assert lacking(warehouse) == []


def test_the_case_of_currencies_without_rates(warehouse: Warehouse, shared_cases: Path):
    build_case(warehouse, shared_cases, [])
    for table in ("carts", "scoring_snapshots"):
        found = values(warehouse, table)
        assert {visitor: base for visitor, (*_, base) in found.items() if base is not None} == {
            "c08-EUR1": Decimal(900),
            "c08-EUR3": Decimal(95),
        }
        assert found["c08-mix"] == (None, None, None)
    assert lacking(warehouse) == [
        ("cart", "EUR", 1, Decimal(90)),
        ("cart", "JPY", 3, Decimal(32000)),
        ("cart", "KRW", 1, Decimal(130000)),
    ]
    marked = warehouse.query("select visitor_id from scoring_snapshots where is_rate_lacking")
    assert {row["visitor_id"] for row in marked} == {"c08-JPY0", "c08-JPY2", "c08-KRW4", "c08-mix"}


def build_case(warehouse: Warehouse, shared_cases: Path, rates: list[Rate]) -> None:
    with (shared_cases / "c08_currencies" / "events.csv").open() as file:
        rows = [{"source": "canonical", **row} for row in csv.DictReader(file)]
    warehouse.build(rows, HOUR, tables=MONEY, rates=rates, landed_at=HOUR)


# Logs of which each has one of these for the yen can have rates of their own in one build.
CODES = (
    *("JPY", "KRW", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK"),
    *("HUF", "CAD", "AUD", "NZD", "MXN", "ZAR", "INR"),
)


def in_place_of_yen(code: str, value: object) -> Any:
    """Rows or rates with another currency for the yen."""
    match value:
        case str():
            return value.replace("JPY", code).replace("jpy", code.lower())
        case dict():
            return {key: in_place_of_yen(code, each) for key, each in value.items()}
        case list() | tuple():
            return type(value)(in_place_of_yen(code, each) for each in value)
    return value


def of_codes(logs: Iterable[Sequence[Row]]) -> list[Row]:
    """Many logs in one, each in a currency of its own."""
    return [
        row
        for number, (code, rows) in enumerate(zip(CODES, logs, strict=False))
        for row in apart(in_place_of_yen(code, rows), number)
    ]


NEWEST_RATES = [
    # at the very instant of the touch; a microsecond later
    ([("2026-03-02T10:00:00Z", "JPY", "0.006")], 6),
    ([("2026-03-02T10:00:00.000001Z", "JPY", "0.006")], None),
    # a date is its midnight, and the newest not after counts
    ([("2026-03-02", "JPY", "0.006"), ("2026-03-01", "JPY", "0.5")], 6),
    ([("2026-03-02", "JPY", "0.006"), ("2026-03-03", "JPY", "0.5")], 6),
    # without dashes, too: it is no epoch
    ([("20260302", "JPY", "0.006"), ("20260303", "JPY", "0.5")], 6),
    ([("20261302", "JPY", "0.006")], None),
    # two of one time: the lower
    ([("2026-03-02", "JPY", "0.007"), ("2026-03-02", "JPY", "0.006")], 6),
    ([("2026-03-02", "jpy", "0.006"), ("2026-03-02T00:00:00Z", "JPY", "0.007")], 6),
    ([], None),
    ([("2026-03-02", "USD", "0.9")], None),
    # what cannot be a rate is none
    ([("2026-03-02", "JPY", "0")], None),
    ([("2026-03-02", "JPY", "-0.006")], None),
    ([("2026-03-02", "JPY", "1000000")], None),
    ([("2026-03-02", "YEN", "0.006")], None),
    ([("yesterday", "JPY", "0.006")], None),
]


def test_the_newest_rate_not_after_the_last_touch_counts(warehouse: Warehouse):
    rows = of_codes([log(yen("A", "10:00"))] * len(NEWEST_RATES))
    rates = [
        rate
        for code, (own, _) in zip(CODES, NEWEST_RATES, strict=True)
        for rate in in_place_of_yen(code, own)
    ]
    warehouse.build(in_euro(rows), at("12:00"), tables=MONEY, rates=rates)
    found, without = values(warehouse), lacking(warehouse)
    for number, (code, (_, base)) in enumerate(zip(CODES, NEWEST_RATES, strict=True)):
        assert found[f"log{number}.A"] == (Decimal(1000), code, base)
        of_code = [each for each in without if each[1] == code]
        assert of_code == ([] if base else [("cart", code, 1, Decimal(1000))])


def test_a_closed_cart_has_the_rate_of_its_end_and_an_order_that_of_its_time(warehouse: Warehouse):
    rows = in_euro([yen("A", "10:00"), buy("A", "11:00", "o1", order_value="1000", currency="JPY")])
    rates = [("2026-03-02", "JPY", "0.006"), ("2026-03-02T11:00:00Z", "JPY", "0.007")]
    warehouse.build(rows, at("12:00"), tables=MONEY, rates=rates)
    assert values(warehouse)["A"] == (Decimal(1000), "JPY", Decimal(7))
    assert values(warehouse, "order_values")["A"] == (Decimal(1000), "JPY", Decimal(7))
    sums = warehouse.query("select order_value from sessions where visitor_id = 'A' order by 1")
    assert [row["order_value"] for row in sums] == [0, 7]


def test_a_snapshot_has_the_rate_of_its_hour(warehouse: Warehouse):
    rates = [("2026-03-02", "JPY", "0.006"), ("2026-03-02T12:00:00Z", "JPY", "0.007")]
    warehouse.build(in_euro([yen("A", "10:00")]), at("12:00"), tables=MONEY, rates=rates)
    assert values(warehouse)["A"][2] == 6
    assert values(warehouse, "scoring_snapshots")["A"][2] == 7


CARTS = [
    # an amount without a currency is taken to be in the reporting one
    ([add("A", "10:00", price="5")], (Decimal(5), None), 5, 5),
    ([euro("A", "10:00"), add("A", "10:01", "hat", price="5")], (None, None), 15, 15),
    ([yen("A", "10:00"), add("A", "10:01", "hat", price="5")], (None, None), None, 11),
    ([yen("A", "10:00"), euro("A", "10:01", item="hat")], (None, None), None, 16),
    # the euro left again, and the line of yen is in euro by its newest add
    (
        [yen("A", "10:00"), euro("A", "10:01", item="hat"), remove("A", "10:02", "hat")],
        (Decimal(1000), "JPY"),
        None,
        6,
    ),
    ([yen("A", "10:00"), euro("A", "10:01")], (Decimal(20), "EUR"), 20, 20),
    # without a price nothing lacks a rate
    ([add("A", "10:00", currency="JPY")], (None, None), None, None),
    ([yen("A", "10:00"), remove("A", "10:01")], (Decimal(0), None), 0, 0),
]


def test_a_cart_is_worth_what_its_lines_are(warehouse: Warehouse):
    codes = CODES[: len(CARTS)]
    rows = in_euro(of_codes(log(*own) for own, *_ in CARTS))
    for is_rated in (False, True):
        rates = [in_place_of_yen(code, JPY) for code in codes] if is_rated else []
        warehouse.build(rows, at("12:00"), tables=MONEY, rates=rates)
        found = values(warehouse)
        for number, (code, (_, own, *bases)) in enumerate(zip(codes, CARTS, strict=True)):
            assert found[f"log{number}.A"] == (*in_place_of_yen(code, own), bases[is_rated])
        # of carts that lack the rate of one line all lines are listed
        without_rates = [
            ("cart", "CHF", 1, Decimal(1000)),
            ("cart", "EUR", 1, Decimal(10)),
            ("cart", "NOK", 1, Decimal(1000)),
            ("cart", "SEK", 1, Decimal(1000)),
            ("cart", None, 1, Decimal(5)),
        ]
        assert lacking(warehouse) == ([] if is_rated else without_rates)


@pytest.mark.parametrize(
    ("rows", "rates", "currency"),
    [
        ([], [], None),
        ([add("A", "10:00", price="5")], [], None),
        # orders before carts, the most before others, then by code
        ([buy("A", "10:00", "o1", currency="USD", order_value="1"), yen("B", "10:00")], [], "USD"),
        ([yen("A", "10:00"), yen("B", "10:00"), euro("C", "10:00")], [], "JPY"),
        ([yen("A", "10:00"), euro("C", "10:00")], [], "EUR"),
        # one of which a rate is given is not what rates are in units of
        ([yen("A", "10:00"), yen("B", "10:00"), euro("C", "10:00")], [JPY], "EUR"),
        ([yen("A", "10:00"), euro("C", "10:00")], [("2026-01-01", "EUR", "1"), JPY], "EUR"),
        ([yen("A", "10:00")], [JPY], "JPY"),
        # a later order is not known by the hour
        ([yen("A", "10:00"), buy("B", "13:00", "o1", currency="USD", order_value="1")], [], "JPY"),
        # nor is a later rate
        (
            [yen("A", "10:00"), yen("B", "10:00"), euro("C", "10:00")],
            [("2026-03-02T12:00:00.000001Z", "JPY", "0.006")],
            "JPY",
        ),
    ],
)
def test_the_reporting_currency_of_an_hour_is_the_commonest_by_then(
    warehouse: Warehouse, rows, rates, currency
):
    warehouse.build(log(*rows), at("12:00"), tables=("hour_currency",), rates=rates)
    assert warehouse.query("from hour_currency") == [{"currency": currency}]


def test_orders_whose_rows_mix_currencies_have_no_value_of_their_own(warehouse: Warehouse):
    rows = [
        buy("A", "10:00", "o1", price="1000", currency="JPY", item_id="x"),
        buy("A", "10:00", "o1", price="5", currency="EUR", quantity="2", item_id="y"),
        buy("B", "10:00", "o2", price="5", currency="EUR", order_value="2000"),
        buy("C", "10:00", "o3", currency="JPY"),
    ]
    warehouse.build(in_euro(rows), at("12:00"), tables=MONEY, rates=[JPY])
    found = values(warehouse, "order_values")
    assert found["A"] == (None, None, Decimal(16))
    assert found["B"] == (Decimal(2000), "EUR", Decimal(2000))
    assert found["C"] == (None, None, None)
    warehouse.build(in_euro(rows), at("12:00"), tables=MONEY)
    assert lacking(warehouse) == [
        ("order", "EUR", 1, Decimal(10)),
        ("order", "JPY", 1, Decimal(1000)),
    ]


def test_an_amount_of_any_size_stops_nothing(warehouse: Warehouse):
    rows = [yen("A", "10:00", "99999999999999", quantity="2147483647")]
    warehouse.build(
        in_euro(rows), at("12:00"), tables=MONEY, rates=[("2026-01-01", "JPY", "999999")]
    )
    assert values(warehouse)["A"][2] > 10**28


def test_every_row_of_rates_is_accounted_for(warehouse: Warehouse):
    rates = [JPY, JPY, ("2026-01-01", "JPY", "0.01"), ("2026-01-01", "XXX", "1"), ("-", "JPY", "1")]
    warehouse.build(
        log(view("A", "10:00")), at("12:00"), tables=("landed_files", "set_aside_rows"), rates=rates
    )
    [found] = warehouse.query("from landed_files where source = 'exchange_rates'")
    assert [found[f"rows_{name}"] for name in ("read", "accepted", "duplicate", "dropped")] == [
        5,
        1,
        2,
        2,
    ]
    assert not found["is_suspect"]
    aside = warehouse.query("select line, action, reason from set_aside_rows order by line")
    assert [tuple(row.values()) for row in aside] == [
        (4, "dropped", "bad_currency"),
        (5, "dropped", "bad_time"),
    ]


def test_a_set_rate_counts_until_the_first_that_was_delivered(dbt_recording: Recording):
    """What is set is in the SQL: it stands there as dbt renders it for these settings."""
    given = """
        union all
        select 'JPY' as currency, timestamp '0001-01-01 00:00:00' as valid_from,
            cast('0.005' as decimal(18, 12)) as rate
    """

    def with_rate(statements):
        return {
            found: [text.replace("from delivered\n", f"from delivered {given}\n") for text in sent]
            for found, sent in statements.items()
        }

    models = [
        dataclasses.replace(model, statements=with_rate(model.statements))
        if model.name == "currency_rates"
        else model
        for model in dbt_recording.models
    ]
    warehouse = Warehouse(dataclasses.replace(dbt_recording, models=models))
    rows = in_euro([yen("A", "10:00"), yen("B", "+1d 10:00")])
    warehouse.build(
        rows, at("+1d 12:00"), tables=MONEY, rates=[("2026-03-03T10:00:00Z", "JPY", "0.006")]
    )
    assert [values(warehouse)[visitor][2] for visitor in "AB"] == [5, 6]


RATES_LATE = [
    # a rate that comes late changes what it would have changed in time
    ([[], [JPY]], 6),
    ([[("2026-01-01", "JPY", "0.5")], [("2026-03-02", "JPY", "0.006")]], 6),
    ([[("2026-03-02", "JPY", "0.006")], [("2026-01-01", "JPY", "0.5")]], 6),
    ([[("2026-03-02", "JPY", "0.007")], [("2026-03-02", "JPY", "0.006")]], 6),
    ([[("2026-03-02", "JPY", "0.006")], [("2026-03-02", "JPY", "0.007")]], 6),
    ([[("2026-03-02", "JPY", "0.006")], [("2026-03-09", "JPY", "0.5")]], 6),
]


@pytest.mark.parametrize("dies_after", ["carts", *heavy([None, 10, 20, 28, 36])])
def test_rates_that_come_later_give_what_all_at_once_gives(
    warehouse: Warehouse, dies_after: int | str | None
):
    """Of logs in currencies of their own each."""
    own = log(
        yen("A", "10:00"),
        yen("B", "10:00"),
        buy("B", "10:10", "o1", order_value="1000", currency="JPY"),
    )
    rows = in_euro(of_codes([own] * len(RATES_LATE)))
    # a second order in EUR, so that none of the others is the commonest while it has no rate
    rows += log(buy("Y", "09:00", "oy", order_value="1", currency="EUR"))
    files = [
        [
            rate
            for code, (loads, _) in zip(CODES, RATES_LATE, strict=False)
            for rate in in_place_of_yen(code, loads[number])
        ]
        for number in range(2)
    ]
    names = ["carts", "order_values", "sessions", "currency_rates", "log_currency", "cart_touches"]
    warehouse.empty()
    warehouse.land(rows, [1] * len(rows))
    follow = partial(warehouse.follow, LOADED_AT, tables=names)
    follow()
    for number, rates in enumerate(files, start=2):
        warehouse.land_rates(rates, number)
        if dies_after:
            follow(dies_after=dies_after)
        follow()
    carts, orders = values(warehouse), values(warehouse, "order_values")
    for number, (_, base) in enumerate(RATES_LATE):
        assert {carts[f"log{number}.{visitor}"][2] for visitor in "AB"} == {base}
        assert orders[f"log{number}.B"][2] == base
    warehouse.keep(names)
    rates = [rate for each in files for rate in each]
    warehouse.build(rows, LOADED_AT, tables=names, rates=rates)
    assert warehouse.differing(names) == []


def test_another_reporting_currency_changes_every_value(warehouse: Warehouse):
    rows = log(yen("A", "10:00"), buy("B", "10:00", "o1", order_value="1000", currency="JPY"))
    more = log(
        *(
            buy("C", f"1{hour}:00", f"c{hour}", order_value="1", currency="EUR")
            | {"event_id": f"later {hour}"}
            for hour in range(2)
        )
    )
    warehouse.empty()
    warehouse.land(rows, [1] * len(rows))
    warehouse.follow(LOADED_AT, tables=MONEY)
    assert values(warehouse)["A"][2] == 1000
    warehouse.land(more, [2] * len(more))
    warehouse.follow(LOADED_AT, tables=MONEY)
    assert values(warehouse)["A"][2] is None
    assert values(warehouse, "order_values")["B"][2] is None
    assert warehouse.query("from log_currency") == [{"currency": "EUR"}]
