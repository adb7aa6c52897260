"""What the shop did: the funnel by day.

Belongs here: the section that shows `daily_funnel`. Not here: the carts that were left behind
(`left_behind`).
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from orchestration.outputs.report import formats
from orchestration.outputs.report.parts import Picture, Section, Table
from orchestration.outputs.report.published import Hour, Published, Row

SHOWN_DAYS = 14
_WEEK = 7

_SUMS = """
    select
        count(*) as days,
        sum(session_count)::bigint as sessions,
        sum(cart_session_count)::bigint as cart_sessions,
        sum(cart_count)::bigint as carts,
        sum(order_count)::bigint as orders,
        sum(order_value) as order_value,
        sum(abandoned_cart_count) / nullif(sum(cart_count), 0) as abandonment_rate
    from daily_funnel where day between ? and ?
"""
_RECOVERY = """
    select sum(recovered_168h_cart_count) / nullif(sum(abandoned_cart_count), 0) as recovery_rate
    from daily_funnel where day between ? and ? and is_mature
"""


def funnel(published: Published) -> Section | None:
    """The funnel by day against the week before."""
    hour = published.hour
    if hour is None or not published.has_rows("daily_funnel"):
        return None
    by_day = {row["day"]: row for row in published.rows("from daily_funnel order by day")}
    last = min(hour.at.date(), max(by_day))
    first = max(min(by_day), last - timedelta(days=SHOWN_DAYS - 1))
    shown = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    over = [day for day in by_day if _is_over(hour, day)]
    lead = "The last fourteen days, each against the same day a week before."
    pictures = [
        _days(by_day, shown, lambda day: _is_over(hour, day), *panel)
        for panel in (
            ("sessions", "Sessions", "session_count", False),
            ("carts", "Carts begun", "cart_count", False),
            ("orders", "Orders", "order_count", False),
            ("value", f"Order value{_in(hour)}", "order_value", False),
            ("left", "Carts left behind", "abandonment_rate", True),
        )
    ]

    def is_mature(day: date) -> bool:
        return day not in by_day or by_day[day]["is_mature"]

    for row in by_day.values():
        row["bought_later"] = row["recovered_cart_count"] / (row["abandoned_cart_count"] or 1)
    recovered = ("recovered", "Left behind, bought after all", "bought_later", True)
    pictures.append(_days(by_day, shown, is_mature, *recovered))
    tables = [_weeks(published, hour, max(over))] if over else []
    return Section("funnel", "The funnel by day", lead, pictures, tables)


def _in(hour: Hour) -> str:
    return f", {hour.currency}" if hour.currency else ""


def _is_over(hour: Hour, day: date) -> bool:
    """Whether the log has passed a day: its last hour has events, or there are later ones."""
    end = datetime(day.year, day.month, day.day) + timedelta(days=1)  # noqa: DTZ001 naive UTC
    newest = hour.newest_event
    return newest is not None and hour.at >= end and newest >= end - timedelta(hours=1)


def _days(
    by_day: dict[date, Row],
    shown: Sequence[date],
    is_settled: Callable[[date], bool],
    key: str,
    title: str,
    column: str,
    is_share: bool,
) -> Picture:
    from orchestration.outputs.report import plots

    nothing = {} if is_share else {column: 0}
    first = min(by_day)
    values = [_number(by_day.get(day, nothing).get(column)) for day in shown]
    earlier = [day - timedelta(days=_WEEK) for day in shown]
    before = [
        _number(by_day.get(day, nothing if day >= first else {}).get(column)) for day in earlier
    ]
    settled = [is_settled(day) for day in shown]
    labels = [f"{day.day} {day:%b}" if day.weekday() == 0 else "" for day in shown]
    if not any(labels):
        labels[-1] = f"{shown[-1].day} {shown[-1]:%b}"
    text = formats.share if is_share else formats.count
    sure = [place for place, is_sure in enumerate(settled) if is_sure and values[place] is not None]
    said = "Every day can still change."
    headline = ""
    if sure:
        place = sure[-1]
        difference = (
            formats.points(values[place], before[place])
            if is_share
            else formats.change(values[place], before[place])
        )
        against = "" if before[place] is None else f", {difference} on the week before"
        headline = text(values[place])
        said = f"{formats.day(shown[place])}: {text(values[place])}{against}."
    known = [value for value in values if value is not None]
    if known:
        said += f" Between {text(min(known))} and {text(max(known))} in these days."
    rows = [
        (formats.day(day), text(value), text(old), "" if is_sure else "can still change")
        for day, value, old, is_sure in zip(shown, values, before, settled, strict=True)
    ]
    return Picture(
        key=f"funnel-{key}",
        title=title,
        svg=plots.days(f"funnel-{key}", labels, values, before, settled, is_share=is_share),
        text=said,
        legend=[
            ("bar blue", "this day"),
            ("tick orange", "a week before"),
            *([] if all(settled) else [("bar hatched", "can still change")]),
        ],
        figures=Table(f"{title} by day", ["Day", "This day#", "A week before#", "Note"], rows),
        headline=headline,
    )


def _weeks(published: Published, hour: Hour, last: date) -> Table:
    """The seven newest full days against the seven before them."""
    now, before = (
        published.row(_SUMS, [last - timedelta(days=back + _WEEK - 1), last - timedelta(days=back)])
        for back in (0, _WEEK)
    )
    mature = published.row("select max(day) as day from daily_funnel where is_mature")["day"]
    recovery, recovery_before = (
        published.row(
            _RECOVERY, [mature - timedelta(days=back + _WEEK - 1), mature - timedelta(days=back)]
        )["recovery_rate"]
        if mature
        else None
        for back in (0, _WEEK)
    )
    rows = [
        (title, *map(formats.count, (now[key], before[key])), formats.change(now[key], before[key]))
        for title, key in (
            ("Sessions", "sessions"),
            ("Sessions with a cart", "cart_sessions"),
            ("Carts begun", "carts"),
            ("Orders", "orders"),
        )
    ]
    rows.append(
        (
            "Order value",
            formats.money(now["order_value"], hour.currency),
            formats.money(before["order_value"], hour.currency),
            formats.change(now["order_value"], before["order_value"]),
        )
    )
    for title, value, old in (
        ("Carts left behind", now["abandonment_rate"], before["abandonment_rate"]),
        ("Of these bought within 168 h", recovery, recovery_before),
    ):
        rows.append((title, formats.share(value), formats.share(old), formats.points(value, old)))
    note = "Full days only."
    if mature:
        note += f" What is bought within 168 h is known up to {formats.day(mature)}."
    return Table(
        f"Seven days to {formats.day(last)}, and the seven before",
        ["", "These seven#", "The seven before#", "Change#"],
        rows,
        note=note,
    )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
