"""The warehouse's tables as the rules give them, in plain and slow Python: where to begin to read.

Belongs here: the rows of each table; sessions and carts are known by (visitor, start), which is
what the warehouse hashes. Not here: the rules themselves, which are in the other modules of the
reference: what a delivered row becomes (reference_rows.py, reference_fields.py, reference_items.py)
and what follows from events (reference_events.py, reference_carts.py, reference_money.py,
reference_log.py, reference_snapshots.py).

All are written straight from the rules as `dbt_project/docs/rules*.md` state them, so that the SQL
has something to be compared with that shares no line of it: no SQL, no DuckDB, no hashed ids; of
the features those of the day.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from .reference_calendar import Sale
from .reference_carts import Order
from .reference_events import Event, described_items
from .reference_items import UNKNOWN_ITEM
from .reference_log import FROM_LOG, INACTIVITY, Log
from .reference_money import Rate, total
from .reference_snapshots import Snapshot, returns, scoring_snapshots, training_snapshots


def tables(
    events: list[Event],
    as_of: datetime,
    rates: tuple[Rate, ...] = (),
    currencies: tuple[str | None, str | None] = (FROM_LOG, FROM_LOG),
    sales: tuple[Sale, ...] = (),
) -> dict[str, list[dict]]:
    """The warehouse's tables as rows, with (visitor, start) where the warehouse has hashed ids.

    `as_of` is the run's hour: what is learned from and what is scored is of the log cut there,
    the other tables are of the whole log. `currencies` are the reporting currencies of the two,
    where they do not follow from these events alone.
    """
    log = Log(events, rates, currencies[0], sales)
    known = replace(log.cut(as_of), currency=currencies[1])
    return {name: rows(log, as_of) for name, rows in LOG_TABLES.items()} | {
        name: rows(known, as_of) for name, rows in MODEL_TABLES.items()
    }


def _event_rows(log: Log, _: datetime) -> list[dict]:
    columns = [name for name in Event.__dataclass_fields__ if name != "items"]
    return [
        {column: getattr(event, column) for column in columns} | {"owner_id": owner}
        for event, owner in zip(log.ranked, log.owners, strict=True)
    ]


def _order_rows(log: Log, _: datetime) -> list[dict]:
    return [
        {
            "visitor_id": order.event.visitor_id,
            "ordered_at": order.event.event_at,
            "order_id": order.event.order_id,
            "owner_id": order.owners[order.event.visitor_id],
            "session_started_at": _session_start(log, order),
            "cart_started_at": next(
                (cart.started_at for cart in log.carts if cart.is_taken_by(order)),
                None,
            ),
            "order_value": order.value,
            "currency": order.currency,
            "order_value_base": log.base(order.amounts, order.event.event_at),
            "refunded_value": log.refunded(order),
            "line_count": len(order.lines),
            "item_quantity": sum(line.units for line in order.lines),
        }
        for order in log.orders
    ]


def _session_start(log: Log, order: Order) -> datetime:
    return next(
        session.started_at
        for session in log.sessions_of(order.event.visitor_id)
        if order.event in session.events
    )


def _order_line_rows(log: Log, _: datetime) -> list[dict]:
    return [
        {
            "visitor_id": order.event.visitor_id,
            "ordered_at": order.event.event_at,
            "order_id": order.event.order_id,
            "line_number": number,
            "item_id": line.item_id or UNKNOWN_ITEM,
            "quantity": line.units,
            "unit_price": line.price,
            "currency": line.currency,
            "item_category": line.item_category,
        }
        for order in log.orders
        for number, line in enumerate(order.lines, start=1)
    ]


def _order_item_rows(log: Log, _: datetime) -> list[dict]:
    return [
        {
            "order_id": order.event.order_id,
            "ordered_at": order.event.event_at,
            "visitor_id": (cart or order.event).visitor_id,
            "cart_started_at": cart.started_at if cart else None,
            "item_id": item.item_id or UNKNOWN_ITEM,
            "item_category": item.item_category,
            "quantity": item.units,
            "unit_price": item.price,
            "currency": item.currency,
        }
        for order in log.orders
        for cart, item in log.items_bought(order)
    ]


def item_rows(log: Log, _: datetime | None = None) -> list[dict]:
    """The table of items, of which no visitor is known."""
    left = [cart for cart in log.carts if log.abandoned_at(cart) is not None]
    return [
        row
        | {
            "order_count": sum(
                any(item.item_id == row["item_id"] for item in order.lines) for order in log.orders
            ),
            "abandoned_cart_count": sum(row["item_id"] in cart.lines for cart in left),
        }
        for row in described_items(log.events)
    ]


def _session_rows(log: Log, _: datetime) -> list[dict]:
    return [
        {
            "visitor_id": session.visitor_id,
            "started_at": session.started_at,
            "ended_at": session.ended_at,
            "owner_id": session.owner_id,
            "event_count": len(session.events),
            "view_count": session.count("view_item"),
            "add_count": session.count("add_to_cart"),
            "remove_count": session.count("remove_from_cart"),
            "checkout_count": session.count("begin_checkout"),
            "order_count": len(log.orders_in(session)),
            # An order of unknown value adds nothing, and no order is worth 0.
            "order_value": total(
                value
                for order in log.orders_in(session)
                if (value := log.base(order.amounts, order.event.event_at)) is not None
            )
            or Decimal(0),
            "has_cart": log.has_cart(session),
            "is_cart_abandoned": log.is_cart_abandoned(session),
            "is_suspected_bot": session.is_suspected_bot,
        }
        for session in log.sessions
    ]


def _cart_rows(log: Log, _: datetime) -> list[dict]:
    return [
        {
            "visitor_id": cart.visitor_id,
            "started_at": cart.started_at,
            "session_started_at": log.session_of(cart).started_at,
            "owner_id": cart.owner_id,
            "last_touched_at": cart.last_touched_at,
            "status": cart.status,
            "closed_at": cart.closed_at,
            "order_id": cart.order.event.order_id if cart.order else None,
            "converted_elsewhere": cart.converted_elsewhere,
            "item_quantity": sum(line.quantity for line in cart.lines.values()),
            "line_count": len(cart.lines),
            "cart_value": cart.value,
            "currency": cart.currency,
            "cart_value_base": log.cart_base(cart, cart.closed_at or cart.last_touched_at),
            "is_value_complete": cart.is_value_complete,
            "add_count": cart.add_count,
            "remove_count": cart.remove_count,
            "abandoned_at": log.abandoned_at(cart),
            "is_recovered": log.is_recovered(cart),
        }
        for cart in log.carts
    ]


def _cart_line_rows(log: Log, _: datetime) -> list[dict]:
    return [
        {
            "visitor_id": cart.visitor_id,
            "cart_started_at": cart.started_at,
            "item_id": item_id,
            "quantity": line.quantity,
            "unit_price": line.unit_price,
        }
        for cart in log.carts
        for item_id, line in sorted(cart.lines.items())
    ]


def funnel_rows(log: Log) -> list[dict]:
    """`daily_funnel`, as far as it is about carts."""
    days = {each.started_at.date() for each in (*log.sessions, *log.carts)}
    rows = []
    for day in sorted(days):
        carts = [cart for cart in log.carts if cart.started_at.date() == day]
        abandoned = sum(log.abandoned_at(cart) is not None for cart in carts)
        recovered = {hours: _recovered_within(log, day, hours) for hours in (24, 72, 168)}
        in_time = recovered[168]
        rows.append(
            {
                "day": day,
                "cart_count": len(carts),
                "abandoned_cart_count": abandoned,
                "recovered_cart_count": sum(map(log.is_recovered, carts)),
                **{f"recovered_{hours}h_cart_count": count for hours, count in recovered.items()},
                "recovery_rate": None if in_time is None or not abandoned else in_time / abandoned,
                "is_mature": in_time is not None,
            }
        )
    return rows


def _recovered_within(log: Log, day: date, hours: int) -> int | None:
    """Carts begun on a day that were bought within hours of being abandoned; None: not known.

    All is known once the log has passed these hours after the last of the day's carts was
    abandoned, or could have been.
    """
    carts = [cart for cart in log.carts if cart.started_at.date() == day]
    left_at = [log.abandoned_at(cart) for cart in carts]
    midnight = datetime.combine(day, time(), tzinfo=UTC) + timedelta(days=1)
    last = max([midnight + INACTIVITY, *filter(None, left_at)])
    is_undecided = any(
        each is None and cart.closed_at is None for each, cart in zip(left_at, carts, strict=True)
    )
    if is_undecided or log.newest_at <= last + timedelta(hours=hours):
        return None
    return sum(
        log.is_recovered(cart) and cart.closed_at <= each + timedelta(hours=hours)
        for each, cart in zip(left_at, carts, strict=True)
    )


def _snapshot_row(log: Log, snapshot: Snapshot) -> dict:
    return {
        "visitor_id": snapshot.cart.visitor_id,
        "cart_started_at": snapshot.cart.started_at,
        "as_of": snapshot.as_of,
        "owner_id": snapshot.cart.owner_id,
        "last_touched_at": snapshot.cart.last_touched_at,
        "session_ended_at": snapshot.session_ended_at,
        "cart_value": snapshot.cart.value,
        "currency": snapshot.cart.currency,
        "cart_value_base": log.cart_base(snapshot.cart, snapshot.as_of),
        **log.cut(snapshot.as_of).day_of(snapshot.cart.visitor_id, snapshot.as_of),
    }


def _training_snapshot_rows(log: Log, _: datetime) -> list[dict]:
    return [
        _snapshot_row(log, snapshot) | {"converts_within_horizon": snapshot.converts_within_horizon}
        for snapshot in training_snapshots(log)
    ]


def _scoring_snapshot_rows(log: Log, as_of: datetime) -> list[dict]:
    return [_snapshot_row(log, snapshot) for snapshot in scoring_snapshots(log, as_of)]


def _training_return_rows(log: Log, _: datetime) -> list[dict]:
    return [
        {
            "visitor_id": away.session.visitor_id,
            "session_started_at": away.session.started_at,
            "owner_id": away.session.owner_id,
            "ended_at": away.session.ended_at,
            **log.day_of(away.session.visitor_id, away.session.ended_at, away.session.events[-1]),
            "duration_hours": away.duration / timedelta(hours=1),
            "is_returned": away.is_returned,
        }
        for away in returns(log)
        if away.duration > timedelta(0)
    ]


def _scoring_return_rows(log: Log, as_of: datetime) -> list[dict]:
    return [
        {
            "visitor_id": snapshot.cart.visitor_id,
            "cart_started_at": snapshot.cart.started_at,
            "owner_id": snapshot.cart.owner_id,
            "ended_at": snapshot.session_ended_at,
            **log.day_of(snapshot.cart.visitor_id, snapshot.session_ended_at),
            "elapsed_hours": (as_of - snapshot.session_ended_at) / timedelta(hours=1),
        }
        for snapshot in scoring_snapshots(log, as_of)
    ]


LOG_TABLES = {
    "events": _event_rows,
    "orders": _order_rows,
    "sessions": _session_rows,
    "carts": _cart_rows,
    "cart_lines": _cart_line_rows,
    "order_lines": _order_line_rows,
    "order_items": _order_item_rows,
    "items": item_rows,
}
MODEL_TABLES = {
    "training_snapshots": _training_snapshot_rows,
    "scoring_snapshots": _scoring_snapshot_rows,
    "training_returns": _training_return_rows,
    "scoring_returns": _scoring_return_rows,
}
