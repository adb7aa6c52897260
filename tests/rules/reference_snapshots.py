"""What is learned of a log and scored, in plain and slow Python.

Belongs here: snapshots, labels, returns and outcomes of scores, as
`dbt_project/docs/rules_scores.md` states them (sections 9 and 10). Not here: features; the carts
and sessions themselves (reference_log.py).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from .reference_carts import Cart, Session
from .reference_log import CART_LIFE, Log

HORIZON = timedelta(hours=72)
SCORED_FOR = timedelta(days=7)
LEARNED_FOR = timedelta(days=365)
SNAPSHOT_OFFSETS = tuple(
    timedelta(hours=hours) for hours in (0, 0.5, 1, 4, 8, 24, 48, 72, 96, 120, 144, 168)
)


@dataclass(frozen=True)
class Snapshot:
    """A cart by the log up to `as_of`; `session_ended_at` is as known then."""

    cart: Cart
    as_of: datetime
    session_ended_at: datetime
    converts_within_horizon: bool | None


@dataclass(frozen=True)
class Return:
    """How long a session's visitor stayed away, or has been away at the end of the log."""

    session: Session
    duration: timedelta
    is_returned: bool


def converts_within_horizon(log: Log, visitor_id: str, as_of: datetime) -> bool | None:
    if any(
        as_of < order.event.event_at <= as_of + HORIZON and order.is_by(visitor_id)
        for order in log.orders
    ):
        return True
    # A log that ends at the horizon itself may still get an order at that instant.
    return False if log.newest_at > as_of + HORIZON else None


def outcome(log: Log, visitor_id: str, started_at: datetime, scored_at: datetime) -> dict | None:
    """What became of a score of the cart that began then, or was taken to; None: not known.

    Orders are looked at of visitors who ever added something.
    """
    has_carts = any(
        event.visitor_id == visitor_id and event.event_type == "add_to_cart" for event in log.events
    )
    is_mature = log.newest_at > scored_at + HORIZON
    converts = converts_within_horizon(log, visitor_id, scored_at) if has_carts else False
    if not (converts or is_mature):
        return None
    orders = [
        order.event.event_at
        for order in log.orders
        if scored_at < order.event.event_at and order.is_by(visitor_id)
    ]
    [cart] = [one for one in log.carts_of(visitor_id) if one.started_at == started_at] or [None]
    touched = [each for each in (cart.touches if cart else ()) if each <= scored_at]
    is_open = bool(touched) and (
        max(touched) + CART_LIFE >= scored_at and cart.is_open_at(scored_at)
    )
    return {
        "is_converted": bool(converts),
        "converted_at": min(orders) if converts else None,
        "hours_idle": (scored_at - max(touched)) / timedelta(hours=1) if is_open else None,
        "is_mature": is_mature,
    }


def training_snapshots(log: Log) -> list[Snapshot]:
    """Every cart at every offset after each touch, as long as nothing came in between.

    Touches at one instant are one. Of each touch in the year before the newest event.
    """
    found = []
    for cart in log.carts:
        if _is_suspected(log, cart.visitor_id):
            continue
        touches = sorted(set(cart.touches))
        for touched_at, next_at in zip(touches, [*touches[1:], None], strict=True):
            if touched_at < log.newest_at - LEARNED_FOR:
                continue
            for as_of in (touched_at + offset for offset in SNAPSHOT_OFFSETS):
                if (
                    (next_at is None or next_at > as_of)
                    and cart.is_open_at(as_of)
                    and log.newest_at >= as_of
                ):
                    found.append(_snapshot(log, cart, as_of))
    return found


def scoring_snapshots(log: Log, as_of: datetime) -> list[Snapshot]:
    """Every cart open at `as_of` that was touched in the last 7 days; the log ends by then."""
    return [
        _snapshot(log, cart, as_of)
        for cart in log.carts
        if cart.closed_at is None and cart.last_touched_at >= as_of - min(SCORED_FOR, CART_LIFE)
    ]


def _is_suspected(log: Log, visitor_id: str) -> bool:
    return any(session.is_suspected_bot for session in log.sessions_of(visitor_id))


def _snapshot(log: Log, cart: Cart, as_of: datetime) -> Snapshot:
    known = log.cut(as_of)
    then = next(one for one in known.carts_of(cart.visitor_id) if one.closed_at is None)
    return Snapshot(
        cart=then,
        as_of=as_of,
        session_ended_at=known.sessions_of(cart.visitor_id)[-1].ended_at,
        converts_within_horizon=converts_within_horizon(log, cart.visitor_id, as_of),
    )


def returns(log: Log) -> list[Return]:
    """One a session of the year before the newest event; a duration of 0 (the log ends with the
    session) teaches nothing."""
    found = []
    for session in log.sessions:
        if session.ended_at < log.newest_at - LEARNED_FOR or _is_suspected(log, session.visitor_id):
            continue
        next_starts = [
            other.started_at
            for other in log.sessions
            if other.started_at > session.ended_at
            and (
                other.visitor_id == session.visitor_id
                or (other.owner_id is not None and other.owner_id == session.owner_id)
            )
        ]
        until = min(next_starts, default=log.newest_at)
        found.append(Return(session, until - session.ended_at, bool(next_starts)))
    return found
