"""Whole hours of a shop with several currencies: ranks, gains, files and warnings.

Belongs here: the shared case of currencies, with rates set, delivered and lacking. Not here: values
at the boundaries of rates (tests/rules/test_money.py), decisions (tests/ml).
"""

import csv
import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.whole.test_first_to_last_hour import OLD_LOGS, opened, published, state
from tests.whole.twins import run_to_the_end, words_of

pytestmark = [pytest.mark.slow, pytest.mark.heavy]

HOUR = datetime(2026, 11, 26, 12)
RATES = "[money.rates]\nJPY = 0.006\nKRW = 0.00065\n"
RANKED = (
    "select visitor_id, cart_value_base, expected_gain, best_action from retargeting_priorities"
    " order by priority_rank"
)


def exported(home: Path) -> tuple[list[dict[str, str]], dict]:
    folder = home / "exports" / "2026-11-26T12Z"
    with (folder / "retargeting_priorities.csv").open() as file:
        return list(csv.DictReader(file)), json.loads((folder / "manifest.json").read_text())


@pytest.mark.parametrize("is_delivered", [False, True])
def test_with_rates_carts_are_ranked_by_what_they_are_worth_in_one_currency(
    shared_cases: Path, tmp_path: Path, is_delivered
):
    case = shared_cases / "c08_currencies" / "events.csv"
    home = opened(tmp_path, case, settings=OLD_LOGS + ("" if is_delivered else RATES))
    if is_delivered:
        folder = home / "landing" / "exchange_rates"
        folder.mkdir(parents=True)
        (folder / "rates.csv").write_text(
            "date,currency,rate\n2026-11-26,JPY,0.006\n2026-11-26,KRW,0.00065\n"
        )
    run_to_the_end(home, HOUR)
    found = published(home, RANKED)
    assert found[0][0] == "c08-EUR1"
    assert {visitor: base for visitor, base, *_ in found} == {
        "c08-EUR1": Decimal(900),
        "c08-mix": Decimal(180),
        "c08-EUR3": Decimal(95),
        "c08-JPY0": Decimal(90),
        "c08-KRW4": Decimal("84.5"),
        "c08-JPY2": Decimal(12),
    }
    rows, manifest = exported(home)
    assert manifest["reporting_currency"] == "EUR"
    assert {row["visitor_id"]: row["currency"] for row in rows}.get("c08-JPY0", "JPY") == "JPY"
    assert published(home, "select distinct reporting_currency from daily_funnel") == [("EUR",)]
    assert published(home, "select count(*) from amounts_without_rate") == [(0,)]
    assert "Money      gains, ranks and sums are in EUR" in words_of(home)


def test_without_rates_carts_in_the_reporting_currency_come_first_and_the_rest_is_said(
    shared_cases: Path, tmp_path: Path
):
    home = opened(tmp_path, shared_cases / "c08_currencies" / "events.csv")
    run_to_the_end(home, HOUR)
    found = published(home, RANKED)
    assert [visitor for visitor, *_ in found[:2]] == ["c08-EUR1", "c08-EUR3"]
    assert {tuple(rest) for _, *rest in found[2:]} == {(None, None, "nothing")}
    assert len(found) == 6
    warnings = [each for each in state(home).warnings if "its rate is lacking" in each]
    assert [each.partition(" is in no sum")[0] for each in warnings] == [
        "90.00 EUR in 1 cart",
        "32,000.00 JPY in 3 carts",
        "130,000.00 KRW in 1 cart",
    ]
    assert all(f"Warning    {each}" in words_of(home) for each in warnings)
