"""What was scored: the carts whose contact is due, and the segments over the hours.

Belongs here: the sections that speak of scores. Not here: how good they were (`outcomes`).
"""

import math
from datetime import timedelta

from orchestration.outputs.report import formats
from orchestration.outputs.report.parts import Cell, Picture, Section, Table
from orchestration.outputs.report.published import Hour, Published, Row
from orchestration.warehouse.contactable import IS_BOTS, IS_OF_PERSON, MAY_BE_CONTACTED

SHOWN_DUE = 12
SHOWN_HOURS = 72
_SEGMENTS = ("on_the_fence", "likely_to_purchase", "unlikely_to_purchase")


def due_counts(published: Published) -> Row:
    """Of the hour: scored, due, gain of those due, due within a day, later, held out, of bots."""
    return published.row(
        f"""
        select
            count(*) as scored,
            count(*) filter ({_is_due(published)}) as due,
            sum(expected_gain) filter ({_is_due(published)}) as gain,
            count(*) filter (
                {_WORTH} and contact_not_before > scored_at
                and contact_not_before <= scored_at + interval 24 hours
            ) as tomorrow,
            count(*) filter (
                {_WORTH} and contact_not_before > scored_at + interval 24 hours
            ) as later,
            count(*) filter (best_action = 'nothing' and {MAY_BE_CONTACTED}) as nothing,
            count(*) filter (is_holdout) as held_out,
            count(*) filter (not is_holdout and {IS_BOTS}) as bots,
            sum(cart_value_base) filter ({IS_OF_PERSON}) as value,
            count(*) filter (cart_value_base is null and {IS_OF_PERSON}) as without_value
        from retargeting_priorities
        """
    )


_WORTH = f"best_action <> 'nothing' and {MAY_BE_CONTACTED}"


def _is_due(published: Published) -> str:
    """SQL: whether a contact is due at the hour, of a cart whose shopper may be contacted."""
    due = f"{_WORTH} and contact_not_before <= scored_at"
    if published.has_column("retargeting_priorities", "contact_valid_until"):
        due += " and coalesce(contact_valid_until > scored_at, true)"
    return due


def due(published: Published) -> Section | None:
    """The carts to act on now."""
    hour = published.hour
    if hour is None or not published.has_rows("retargeting_priorities"):
        return None
    counts = due_counts(published)
    rows = published.rows(
        "select priority_rank, cart_id, cart_value, currency, cart_value_base, p_abandon,"
        " expected_return_at, best_action, contact_not_before, expected_gain, reasons"
        f" from retargeting_priorities where {_is_due(published)}"
        f" order by priority_rank limit {SHOWN_DUE}"
    )
    lead = (
        f"{formats.counted(counts['scored'], 'cart')} scored: {counts['due']:,} due now,"
        f" {counts['tomorrow']:,} within 24 hours, {counts['later']:,} later;"
        f" {counts['nothing']:,} need no contact, {counts['held_out']:,} belong to people who are"
        " held out and never contacted"
        + (f", {counts['bots']:,} to suspected bots" if counts["bots"] else "")
        + "."
    )
    tables = []
    if rows:
        shown = f"The best {len(rows)} of {counts['due']:,}" if counts["due"] > len(rows) else "All"
        tables.append(
            Table(
                f"{shown} carts due at {formats.moment(hour.at)} UTC, by expected gain",
                ["Rank", "Cart", "Value#", "Not bought#", "Back by", "Action", "Gain#", "Why"],
                [_due_row(row, hour) for row in rows],
                is_wide=True,
                note="A cart stands here by the beginning of its id, a person not at all; the whole"
                " list is the table retargeting_priorities.",
            )
        )
    return Section("due", "Carts due now", lead, tables=tables)


def _due_row(row: Row, hour: Hour) -> tuple[str | Cell, ...]:
    return (
        formats.count(row["priority_rank"]),
        formats.short_id(row["cart_id"]),
        formats.money(row["cart_value"], row["currency"])
        if row["currency"]
        else formats.money(row["cart_value_base"], hour.currency),
        formats.share(row["p_abandon"], 0),
        formats.moment(row["expected_return_at"]),
        formats.words(row["best_action"]),
        formats.money(row["expected_gain"], hour.currency),
        formats.name(row["reasons"], 160),
    )


def segments(published: Published) -> Section | None:
    """The segments of the carts, hour by hour."""
    hour = published.hour
    if hour is None or not published.has_rows("retargeting_priorities"):
        return None
    from orchestration.outputs.report import drawing, plots

    rows = published.rows(
        "select scored_at, segment, count(*) as carts from cart_scores"
        f" where scored_at > ? and scored_at <= ? and {IS_OF_PERSON} group by all order by all",
        [hour.at - timedelta(hours=SHOWN_HOURS), hour.at],
    )
    hours = sorted({row["scored_at"] for row in rows})
    carts = {(row["scored_at"], row["segment"]): row["carts"] for row in rows}
    found = {segment for _, segment in carts}
    colours = dict(
        zip(
            _SEGMENTS,
            (("blue", drawing.BLUE), ("green", drawing.GREEN), ("grey", drawing.GREY)),
            strict=True,
        )
    )
    shown = [segment for segment in _SEGMENTS if segment in found]
    series = [[carts.get((at, segment), 0) for at in hours] for segment in shown]
    now = ", ".join(
        f"{values[-1]:,} {formats.words(segment)}"
        for segment, values in zip(shown, series, strict=True)
    )
    every = math.ceil(len(hours) / 5)
    labels = [
        f"{at:%a %H:%M}" if place % every == every // 2 else "" for place, at in enumerate(hours)
    ]
    picture = Picture(
        key="segments-by-hour",
        title="Scored carts by segment",
        svg=plots.stacks(
            "segments-by-hour",
            labels,
            [(colours[segment][1], values) for segment, values in zip(shown, series, strict=True)],
        ),
        text=f"At {formats.moment(hour.at)}: {now}.",
        legend=[(f"bar {colours[segment][0]}", formats.words(segment)) for segment in shown],
        figures=Table(
            "Scored carts by hour and segment",
            ["Hour", *(f"{formats.words(segment)}#" for segment in shown)],
            [
                (formats.moment(at), *(formats.count(values[place]) for values in series))
                for place, at in enumerate(hours)
            ],
        ),
    )
    table = Table(
        "At this hour",
        ["Segment", "Carts#", "Value#", "Not bought, mean#", "Expected gain#"],
        [
            (
                formats.words(row["segment"]),
                formats.count(row["carts"]),
                formats.money(row["value"], hour.currency),
                formats.share(row["p_abandon"]),
                formats.money(row["gain"], hour.currency),
            )
            for row in published.rows(
                "select segment, count(*) as carts, sum(cart_value_base) as value,"
                " avg(p_abandon) as p_abandon, sum(expected_gain) as gain"
                f" from retargeting_priorities where {IS_OF_PERSON}"
                " group by segment order by carts desc, segment"
            )
        ],
    )
    lead = (
        "What is worth doing about each open cart, but those of suspected bots, over up to"
        f" {SHOWN_HOURS} scored hours."
    )
    return Section("segments", "Segments over the hours", lead, [picture], [table])
