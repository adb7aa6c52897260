"""`comeback explain` on a small warehouse made by hand: the log behind a score, in its order.

Belongs here: what is shown, and how carts are named. Not here: what a score or a cart is.
"""

from datetime import datetime
from pathlib import Path

import pytest

from orchestration.explanation import explain_cart
from orchestration.ground.errors import ComebackError
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.warehouse import database

CART, OTHER = "abcdef0123456789", "abcdef0999999999"
LOG = f"""
    create schema raw;
    create table raw.files as from (values (1, 'monday.csv'), (2, 'late.csv')) as t(load_id, file);
    create table sessions as select 's1' as session_id, timestamp '2026-03-02 09:50' as started_at;
    create table carts as
    select '{CART}' as cart_id, 'phone' as visitor_id, 'anna' || chr(27) as owner_id,
        's1' as session_id, timestamp '2026-03-02 10:00' as started_at,
        timestamp '2026-03-02 10:05:30' as last_touched_at, 'open' as status,
        null::timestamp as closed_at, null::text as order_id, 1 as line_count, 2 as item_quantity,
        19.80::decimal(38, 4) as cart_value, 'EUR' as currency;
    insert into carts by name
    select * replace ('{OTHER}' as cart_id, 'nobody' as visitor_id) from carts;
    create table events as
    select 'canonical' as source, 0 as event_rank, 'phone' as visitor_id, null::text as currency, *
    from (values
        ('e1', timestamp '2026-03-02 09:40', 'view_item', 'hat', null, null, 1, 1),
        ('e2', timestamp '2026-03-02 09:55', 'view_item', 'bag', null, null, 1, 2),
        ('e4', timestamp '2026-03-02 10:05:30', 'add_to_cart', 'bag', 1, 9.90, 2, 1),
        ('e3', timestamp '2026-03-02 10:00', 'add_to_cart', 'bag', 1, 9.90, 1, 3),
        ('e5', timestamp '2026-03-02 10:59', 'page_view', null, null, null, 1, 4),
        ('e6', timestamp '2026-03-02 11:01', 'page_view', null, null, null, 1, 5)
    ) as t(event_id, event_at, event_type, item_id, quantity, price, load_id, line);
    create table candidate_items as
    select 1 as load_id, 4 as line, *
    from (values (1, 'sock', 2, 3.5000::decimal(38, 4)), (2, 'cap', null, null), (3, null, 1, 1))
        as t(item_number, item_id, quantity, price);
    create table cart_operations as
    select '{CART}' as cart_id, 'canonical' as source, *
    from (values
        ('e3', 'add', 1, 1, 9.90), ('e4', 'add', 2, 2, 19.80)
    ) as t(event_id, operation, operation_number, cart_quantity, cart_value);
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    made = Home(tmp_path_factory.mktemp("explained"))
    made.prepare()
    with database.connect(made, Settings()) as connection:
        connection.execute(LOG)
        database.ensure_score_tables(connection)
        connection.execute(
            "insert into scores.cart_scores (scored_at, cart_id, visitor_id, p_abandon,"
            " abandonment_model, segment, best_action, expected_gain, priority_rank, reasons,"
            " is_holdout, is_suspected_bot)"
            " values (?, ?, 'phone', .25, 'm1', 'on_the_fence', 'reminder', 1.5, 3, 'the price',"
            " true, true)",
            [datetime(2026, 3, 2, 11), CART],
        )
    return made


@pytest.mark.parametrize("named", [CART, CART[:9]])
def test_a_cart_is_shown_with_its_score_and_the_log_behind_it(home: Home, named: str):
    *said, log = explain_cart(home, named)
    assert said == [
        f"Cart       {CART} of visitor phone, of anna ",
        "Now        open: 1 line, 2 units, 19.80 EUR; begun 2026-03-02 10:00, last touched"
        " 2026-03-02 10:05 UTC",
        "Score      at 2026-03-02T11:00:00Z: p_abandon 0.250 by m1, segment on_the_fence, action"
        " reminder, expected gain 1.5000, rank 3",
        "Why        the price",
        "Held out   drawn to be left alone, so that effects can be measured",
        "Bot        suspected of the visitor, so it is never exported",
        "Log        4 events from the session it began in to 2026-03-02 11:00 UTC",
    ]
    header, *rows = [" ".join(line.split()) for line in log.split("\n")]
    assert header.startswith("file line event_at event_type item_id quantity price")
    assert rows == [
        "monday.csv 2 2026-03-02 09:55 view_item bag",
        "monday.csv 3 2026-03-02 10:00 add_to_cart bag 1 9.90 add 1 9.90",
        "late.csv 1 2026-03-02 10:05 add_to_cart bag 1 9.90 add 2 19.80",
        "monday.csv 4 2026-03-02 10:59 page_view sock x2 at 3.50, cap x1",
    ]


def test_a_cart_that_was_never_scored_says_so(home: Home):
    assert "Score      none: it was never open at a scored hour" in explain_cart(home, OTHER)


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ("abcdef0", "several carts begin with 'abcdef0'"),
        ("abcdef", "no cart has the id 'abcdef'"),
        ("'; drop table carts", "no cart has the id"),
    ],
)
def test_an_id_of_no_cart_or_of_several_is_refused(home: Home, named: str, reason: str):
    with pytest.raises(ComebackError, match=reason):
        explain_cart(home, named)


def test_without_a_warehouse_it_says_what_to_do(tmp_path: Path):
    with pytest.raises(ComebackError, match="run first: comeback run"):
        explain_cart(Home(tmp_path), CART)
