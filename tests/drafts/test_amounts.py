"""Which columns of an order's lines a draft takes for a price, an order value and an item.

Belongs here: dumps of lines of orders, and what is drafted of them. Not here: any other guess
(test_guesses.py).
"""

import json

import pytest

from orchestration.drafts.amounts import is_charge, is_of_line, is_total
from orchestration.drafts.fields import tokens_of

from .test_guesses import drafted_of


@pytest.mark.parametrize(
    ("name", "charge", "total", "of_line"),
    [
        ("shipping_total", True, True, False),
        ("Versandkosten", True, False, False),
        ("shipping_amount", True, False, False),
        ("tax", True, False, False),
        ("Mehrwertsteuer", True, False, False),
        ("discount_amount", True, False, False),
        ("discount_price", False, False, False),
        ("price_incl_tax", False, False, False),
        ("preis_inkl_mwst", False, False, False),
        ("unit_price", False, False, False),
        ("item_total", False, True, True),
        ("lineTotal", False, True, True),
        ("Positionssumme", False, True, True),
        ("order_total", False, True, False),
        ("Gesamtbetrag", False, True, False),
    ],
)
def test_a_name_says_whose_an_amount_is(name, charge, total, of_line):
    tokens = tokens_of(name)
    assert (is_charge(tokens), is_total(tokens), is_of_line(tokens)) == (charge, total, of_line)


def lines(**amounts: str) -> str:
    """A CSV of lines of orders: one of each of five items twice or more often."""
    names = ["time", "visitor_id", "action", "item_id", "item_sku", "order_id", *amounts]
    rows = [
        [
            *(f"2026-03-02 10:{at:02}:00", f"v{at % 9}", "purchase", f"{7000 + at}"),
            *(f"SKU-{at % 5}", f"T-{at // 2}"),
            *(each.format(at % 7) for each in amounts.values()),
        ]
        for at in range(40)
    ]
    return "".join(",".join(row) + "\n" for row in [names, *rows])


@pytest.mark.parametrize(
    "charge", ["shipping_total", "versandkosten", "shipping_amount", "tax_amount", "service_fee"]
)
def test_a_charge_is_no_price_and_no_order_value(tmp_path, charge):
    _, sql = drafted_of(tmp_path, "a.csv", lines(**{charge: "4.{}0", "cost": "1{}.90"}))
    assert "cost as price,  -- guess: by its name\n" in sql
    assert f"{charge} as" not in sql
    (alone := tmp_path / "alone").mkdir()
    _, sql = drafted_of(alone, "a.csv", lines(**{charge: "4.{}0"}))
    assert f"{charge} as" not in sql


@pytest.mark.parametrize("total", ["item_total", "line_total", "positionssumme", "total_price"])
def test_a_total_is_the_price_of_a_unit_only_where_nothing_else_is_and_then_it_is_marked(
    tmp_path, total
):
    _, sql = drafted_of(tmp_path, "a.csv", lines(**{total: "3{}.80", "kosten": "1{}.90"}))
    assert f"{total} as price" not in sql
    assert (f"{total} as order_value" in sql) == (total == "total_price")
    assert "kosten as price,  -- guess: by its name\n" in sql


def test_a_total_of_a_line_is_marked_where_it_is_the_only_price(tmp_path):
    _, sql = drafted_of(tmp_path, "a.csv", lines(positionssumme="3{}.80"))
    mark = "by its values, of all units by its name: a price is that of one"
    assert f"positionssumme as price,  -- guess: {mark}\n" in sql
    (listed := tmp_path / "listed").mkdir()
    rows = [
        {
            "time": f"2026-03-02T10:{at:02}:00Z",
            "visitor_id": f"v{at % 9}",
            "action": "purchase",
            "items": [{"id": 7000 + at, "sku": f"SKU-{at % 5}", "total_price": at + 0.9, "n": 2}],
        }
        for at in range(40)
    ]
    yml, _ = drafted_of(listed, "a.jsonl", "\n".join(map(json.dumps, rows)))
    assert "price: [$.total_price]  # of all units by its name: a price is that of one\n" in yml
    assert "item_id: [$.sku]\n" in yml


def test_what_every_line_has_of_its_own_is_no_item_where_a_sku_is_shared(tmp_path):
    _, sql = drafted_of(tmp_path, "a.csv", lines(price="1{}.90"))
    assert "item_sku as item_id,  -- guess: by its name\n" in sql
    (alone := tmp_path / "alone").mkdir()
    without = lines(price="1{}.90").replace("item_sku", "colour")
    _, sql = drafted_of(alone, "a.csv", without)
    assert "item_id,  -- guess: by its name\n" in sql
