"""What stands behind a number: `comeback explain` shows the lines of the log that it was made from.

Belongs here: a cart, its newest score and its log, as text. Not here: how scores are made
(`modelling`), or reasons in words of the model (they are a column). Nothing is written.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

import duckdb

from orchestration.ground.errors import ComebackError
from orchestration.ground.home import Home
from orchestration.ground.hours import iso
from orchestration.ground.settings import load_settings
from orchestration.status_lines import aligned, in_print
from orchestration.warehouse import database
from orchestration.warehouse.score_tables import CART_SCORES

SHOWN_EVENTS = 200
# as long as what `git` takes for one commit among many
SHORTEST_PREFIX = 7

_CART = """
    select carts.cart_id, carts.visitor_id, carts.owner_id, carts.started_at, carts.last_touched_at,
        carts.status, carts.closed_at, carts.order_id, carts.line_count, carts.item_quantity,
        carts.cart_value, carts.currency,
        least(carts.started_at, sessions.started_at) as session_started_at
    from main.carts as carts
    left join main.sessions as sessions on carts.session_id = sessions.session_id
    where carts.cart_id = $id
        or (length($id) >= $shortest and starts_with(carts.cart_id, $id))
    order by carts.cart_id
    limit 2
"""
_SCORE = f"""
    select * from scores.{CART_SCORES.name} where cart_id = ? order by scored_at desc limit 1
"""
# An event of several items is several operations: the cart is shown as it stood after the last.
_EVENTS = """
    with operations as (
        select source, event_id,
            string_agg(distinct operation, ', ' order by operation) as operation,
            max_by(cart_quantity, operation_number) as units,
            max_by(cart_value, operation_number) as cart_value
        from main.cart_operations
        where cart_id = $cart_id
        group by 1, 2
    ),
    listed as (
        select load_id, line,
            string_agg(
                concat_ws(
                    ' ', item_id, 'x' || coalesce(quantity, 1), 'at ' || round(price, 2)
                ), ', ' order by item_number
            ) as items
        from main.candidate_items
        where item_id is not null
        group by 1, 2
    )
    select files.file, events.line, events.event_at, events.event_type,
        coalesce(events.item_id, listed.items) as item_id,
        events.quantity, events.price, events.currency, operations.operation as met_the_cart_as,
        operations.units as units_after, operations.cart_value as value_after
    from main.events as events
    left join operations
        on events.source = operations.source and events.event_id = operations.event_id
    left join listed
        on events.load_id = listed.load_id and events.line = listed.line
    left join raw.files as files on events.load_id = files.load_id
    where operations.event_id is not null
        or (events.visitor_id = $visitor_id and events.event_at between $first and $last)
    order by events.event_at, events.event_rank, events.event_id
"""


def explain_cart(home: Home, cart_id: str) -> list[str]:
    """The cart, its newest score, and the events that it was made from, oldest first.

    Args:
        home: Where the warehouse is.
        cart_id: Its id, or the beginning of it that no other has.

    Raises:
        ComebackError: No hour was run yet, no cart or several carts have that id, or the
            warehouse cannot be opened.
    """
    settings = load_settings(home.root)
    if not home.warehouse.exists():
        raise ComebackError("there is no cart yet", str(home.warehouse), "run first: comeback run")
    with home.lock(wait_seconds=0), database.connect(home, settings) as connection:
        if not database.has_table(connection, "main", "carts"):
            raise ComebackError("there is no cart yet", str(home.warehouse), "run: comeback run")
        database.ensure_score_tables(connection)
        cart = _cart(connection, cart_id)
        score = _row(connection, _SCORE, [cart["cart_id"]])
        log = _of_events(connection, cart, score)
    return [*map(in_print, (*_of_cart(cart), *_of_score(score))), *log]


def _cart(connection: duckdb.DuckDBPyConnection, cart_id: str) -> dict:
    found = connection.execute(_CART, {"id": cart_id, "shortest": SHORTEST_PREFIX})
    names = [column[0] for column in found.description]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    exact = [row for row in rows if row["cart_id"] == cart_id]
    if exact or len(rows) == 1:
        return (exact or rows)[0]
    if rows:
        raise ComebackError(
            f"several carts begin with '{cart_id}'", "--cart", "give more of the id"
        )
    raise ComebackError(
        f"no cart has the id '{cart_id[:40]}'",
        "--cart",
        "take one from the table carts or an export; late rows may change the id of a cart",
    )


def _of_cart(cart: dict) -> Iterator[str]:
    owner = f", of {cart['owner_id']}" if cart["owner_id"] is not None else ""
    yield f"Cart       {cart['cart_id']} of visitor {cart['visitor_id']}{owner}"
    value = "no value" if cart["cart_value"] is None else _money(cart, "cart_value")
    closed = f" at {_minute(cart['closed_at'])} UTC" if cart["closed_at"] is not None else ""
    order = f", order {cart['order_id']}" if cart["order_id"] is not None else ""
    yield (
        f"Now        {cart['status']}{closed}{order}: {_counted(cart['line_count'], 'line')},"
        f" {_counted(cart['item_quantity'], 'unit')}, {value}; begun {_minute(cart['started_at'])},"
        f" last touched {_minute(cart['last_touched_at'])} UTC"
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _of_score(score: dict | None) -> Iterator[str]:
    if score is None:
        yield "Score      none: it was never open at a scored hour"
        return
    chance = "none" if score["p_abandon"] is None else f"{score['p_abandon']:.3f}"
    gain = "none" if score["expected_gain"] is None else f"{score['expected_gain']}"
    yield (
        f"Score      at {iso(score['scored_at'])}: p_abandon {chance} by"
        f" {score['abandonment_model']}, segment {score['segment']}, action {score['best_action']},"
        f" expected gain {gain}, rank {score['priority_rank']}"
    )
    if score["reasons"]:
        yield f"Why        {score['reasons']}"
    if score["expected_return_at"] is not None:
        back_at = _minute(score["expected_return_at"])
        yield f"Back       expected at {back_at} UTC by {score['return_model']}"
    if score["contact_not_before"] is not None:
        yield f"Contact    not before {_minute(score['contact_not_before'])} UTC"
    if score["is_holdout"]:
        yield "Held out   drawn to be left alone, so that effects can be measured"
    if score.get("is_suspected_bot"):  # a warehouse may be of an older version
        yield "Bot        suspected of the visitor, so it is never exported"


def _of_events(
    connection: duckdb.DuckDBPyConnection, cart: dict, score: dict | None
) -> Sequence[str]:
    instants = (cart["last_touched_at"], cart["closed_at"], score["scored_at"] if score else None)
    last = max(filter(None, instants))
    events = connection.sql(
        _EVENTS,
        params={
            "cart_id": cart["cart_id"],
            "visitor_id": cart["visitor_id"],
            "first": cart["session_started_at"],
            "last": last,
        },
    ).pl()
    more = events.height - SHOWN_EVENTS
    return [
        f"Log        {events.height} events from the session it began in to {_minute(last)} UTC"
        + (f", the newest {SHOWN_EVENTS} of them" if more > 0 else ""),
        aligned(events.tail(SHOWN_EVENTS)),
    ]


def _row(connection: duckdb.DuckDBPyConnection, query: str, parameters: list) -> dict | None:
    found = connection.execute(query, parameters)
    names = [column[0] for column in found.description]
    rows = found.fetchall()
    return dict(zip(names, rows[0], strict=True)) if rows else None


def _money(row: dict, name: str) -> str:
    return f"{row[name]:.2f} {row['currency'] or 'of no named currency'}"


def _minute(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M}"
