"""What models of people read and learn from, in plain and slow Python.

Belongs here: what `dbt_project/docs/rules_behaviour.md` says of features of people. Not here: who
people are (reference_people.py).
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from .reference_log import Log
from .reference_people import Person, months_before, person_id, persons, points

WEEK = timedelta(days=7)
HORIZONS = (14, 30, 90, 180, 365)


def days(earlier: datetime | None, later: datetime) -> float | None:
    return None if earlier is None else round((later - earlier) / timedelta(days=1), 6)


def instants(as_of: datetime) -> list[datetime]:
    """Whole weeks before the hour: each of 26, and each fourth up to three years."""
    weeks = [*range(1, 27), *range(30, 157, 4)]
    return [as_of - week * WEEK for week in weeks]


def features(known: Log, at: datetime) -> Iterator[dict]:
    """What is known of each person at an instant of a log that may go on after it."""
    ordered = {each.person_id: each.orders for each in persons(known).values()}
    mails: dict[str, list[str]] = {}
    for event, owner in zip(known.ranked, known.owners, strict=True):
        if at - timedelta(days=90) < event.event_at <= at:
            mails.setdefault(person_id(owner, event.visitor_id), []).append(event.event_type)
    for person in persons(known.cut(at)).values():
        if person.visits and max(person.times) > months_before(at):
            own = [each for each in ordered.get(person.person_id, []) if each[0] <= at]
            types = mails.get(person.person_id, [])
            yield _features(person, at, own) | {
                "email_open_count_90d": types.count("email_open"),
                "email_sent_count_90d": types.count("email_sent"),
            }


def _features(person: Person, at: datetime, orders: list) -> dict:
    ends = {key: visit[-1].event_at for key, visit in person.visits.items()}

    def newest(within: float) -> list:
        return [
            visit for key, visit in person.visits.items() if ends[key] > at - timedelta(days=within)
        ]

    def count(visits: list, *types: str) -> int:
        return sum(event.counted_as in types for visit in visits for event in visit)

    adds = [visit[0].event_at for visit in person.visits.values() if count([visit], "add_to_cart")]
    last_add, times = max(adds, default=None), [each for each, _ in orders]
    last_order = max(times, default=None)
    year = [value for each, value in orders if each > at - timedelta(days=365)]
    return {
        "person_id": person.person_id,
        "as_of": at,
        "days_since_seen": days(max(person.times), at),
        "days_since_first_seen": days(min(person.times), at),
        "session_count": len(person.visits),
        "session_count_7d": len(newest(7)),
        "session_count_30d": len(newest(30)),
        "view_count_30d": count(newest(30), "page_view", "view_item"),
        "engagement_points": round(
            sum(points(visit, at) for visit in person.visits.values()) / 1e9, 6
        ),
        "add_count_7d": count(newest(7), "add_to_cart"),
        "days_since_add": days(last_add, at),
        "has_added_since_order": bool(adds) and (last_order is None or last_add > last_order),
        "order_count": len(orders),
        "order_value": round(float(sum(value or 0 for _, value in orders)), 6),
        "order_value_365d": round(float(sum(value or 0 for value in year)), 6),
        "days_since_order": days(last_order, at),
        "days_from_first_to_last_order": days(min(times, default=None), last_order),
    }


def learned(known: Log, instants: Iterable[datetime]) -> Iterator[dict]:
    """What is learned from, of some instants, of a log that was cut at the hour."""
    ordered = {each.person_id: each.orders for each in persons(known).values()}
    end = known.newest_at
    first = min(event.event_at for event in known.ranked)
    for at in instants:
        if not first <= at < end:
            continue
        for row in features(known, at):
            later = [each for each in ordered.get(row["person_id"], []) if each[0] > at]
            yield row | {
                "days_observed": days(at, end),
                "days_to_order": days(at, min(each for each, _ in later)) if later else None,
                **{f"value_next_{span}d": _value(later, at, span, end) for span in HORIZONS},
            }


def _value(later: list, at: datetime, span: int, end: datetime) -> float | None:
    until = at + timedelta(days=span)
    if end < until:
        return None
    return round(float(sum(value or 0 for each, value in later if each <= until)), 6)
