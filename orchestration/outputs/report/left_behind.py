"""What is left behind: the value of the carts by currency and week, and what was in them.

Belongs here: the sections that speak of carts left behind. Not here: scores (`carts`).
"""

from collections.abc import Sequence
from typing import Any

from orchestration.outputs.report import formats
from orchestration.outputs.report.parts import Cell, Picture, Section, Table
from orchestration.outputs.report.published import Hour, Published, Row
from orchestration.warehouse.contactable import IS_OF_PERSON

SHOWN_WEEKS = 8
RECENT_DAYS = 28
TOP = 10


def money(published: Published) -> Section | None:
    """Value at stake and recovered, by currency and by week."""
    hour = published.hour
    if hour is None or not published.has_rows("carts"):
        return None
    lead = (
        "Carts that were left behind: what is still open, what was bought after all, what was"
        " lost. Amounts of two currencies are never added; the picture is in the reporting"
        f" currency{f', {hour.currency}' if hour.currency else ''}."
    )
    picture = _value_by_week(published, hour)
    return Section(
        "money",
        "Value at stake and recovered",
        lead,
        [picture] if picture else [],
        [_value_by_currency(published, hour)],
    )


def _value_by_week(published: Published, hour: Hour) -> Picture | None:
    from orchestration.outputs.report import drawing, plots

    rows = published.rows(
        """
        select
            cast(date_trunc('week', abandoned_at) as date) as week,
            sum(cart_value_base) filter (is_recovered) as recovered,
            sum(cart_value_base) filter (status = 'open') as still_open,
            sum(cart_value_base) filter (status <> 'open' and not is_recovered) as lost
        from carts
        where abandoned_at <= $1 and abandoned_at >= date_trunc('week', $1) - to_weeks($2)
        group by week order by week
        """,
        [hour.at, SHOWN_WEEKS - 1],
    )
    if not any(row[name] for row in rows for name in ("recovered", "still_open", "lost")):
        return None
    series = (
        ("recovered", "bought after all", "green", drawing.GREEN),
        ("still_open", "still open", "orange", drawing.ORANGE),
        ("lost", "expired or emptied", "grey", drawing.GREY),
    )
    labels = [f"{row['week'].day} {row['week']:%b}" for row in rows]
    newest = rows[-1]
    whole = sum(newest[name] or 0 for name, *_ in series)
    return Picture(
        key="value-by-week",
        title="Value left behind, by the week it was left in",
        svg=plots.stacks(
            "value-by-week",
            labels,
            [(colour, [float(row[name] or 0) for row in rows]) for name, _, _, colour in series],
        ),
        text=f"Left behind in the week of {formats.day(newest['week'])}, the newest:"
        f" {formats.money(whole, hour.currency)}, of it"
        f" {formats.money(newest['recovered'] or 0, hour.currency)} bought after all so far.",
        legend=[(f"bar {mark}", meaning) for _, meaning, mark, _ in series],
        figures=Table(
            "Value left behind by week",
            ["Week of", *(f"{meaning}#" for _, meaning, *_ in series)],
            [
                (
                    formats.day(row["week"]),
                    *(formats.money(row[name] or 0, hour.currency) for name, *_ in series),
                )
                for row in rows
            ],
        ),
    )


def _value_by_currency(published: Published, hour: Hour) -> Table:
    rows = published.rows(
        f"""
        with now as (
            select currency, count(*) as scored, sum(cart_value) as scored_value
            from retargeting_priorities where {IS_OF_PERSON} group by currency
        ),
        log as (
            select
                currency,
                count(*) filter (status = 'open') as still_open,
                sum(cart_value) filter (status = 'open') as open_value,
                count(*) filter (is_recovered and closed_at > $1 - to_days($2)) as recovered,
                sum(cart_value) filter (is_recovered and closed_at > $1 - to_days($2))
                    as recovered_value
            from carts where abandoned_at <= $1 group by currency
        ),
        joined as (
            select
                coalesce(now.currency, log.currency) as code,
                coalesce(scored, 0) as scored, scored_value,
                coalesce(still_open, 0) as still_open, open_value,
                coalesce(recovered, 0) as recovered, recovered_value
            from now full join log on now.currency is not distinct from log.currency
        )
        select * from joined order by code is null, still_open + recovered desc, code
        """,
        [hour.at, RECENT_DAYS],
    )
    shown = []
    for row in rows:
        currency = row["code"]
        shown.append(
            (
                formats.name(currency) if currency else "mixed or unknown",
                *(
                    # what has no currency of its own cannot be added
                    Cell(
                        formats.money(row[value], currency) if currency else formats.NONE,
                        note=formats.counted(row[number], "cart"),
                    )
                    for number, value in (
                        ("scored", "scored_value"),
                        ("still_open", "open_value"),
                        ("recovered", "recovered_value"),
                    )
                ),
            )
        )
    return Table(
        "Value by currency",
        [
            "Currency",
            "Scored at this hour#",
            "Left behind, still open#",
            f"Bought after all, last {RECENT_DAYS} days#",
        ],
        shown,
        note="A cart stays open until it is bought, emptied, or 30 days untouched; it is scored in"
        " the first seven. Either can be set otherwise.",
    )


_LEFT = """
    with left_behind as (
        select
            {what}, carts.cart_id, carts.is_recovered, cart_lines.currency,
            case when carts.status = 'open' then quantity * unit_price end as amount
        from carts
        inner join cart_lines on carts.cart_id = cart_lines.cart_id
        left join items on cart_lines.item_id = items.item_id
        where abandoned_at > $1 - to_days($2) and abandoned_at <= $1
    ),
    counted as (
        select
            {key}, count(distinct cart_id) as cart_count,
            count(distinct cart_id) filter (is_recovered) as recovered_count
        from left_behind group by all order by cart_count desc, {key} limit {top}
    ),
    amounts as (
        select {key}, currency, sum(amount) as amount from left_behind
        where amount is not null and currency is not null group by all
    )
    select counted.*, (
        select list({{'currency': currency, 'amount': amount}} order by amount desc, currency)
        from amounts where amounts.{key} = counted.{key}
    ) as amounts
    from counted order by cart_count desc, {key}
"""


def items(published: Published) -> Section | None:
    """The items and categories that are left behind most."""
    hour = published.hour
    if hour is None or not published.has_rows("cart_lines", "items"):
        return None
    tables = []
    for caption, key, what in (
        ("Items left behind most", "item_id", "cart_lines.item_id"),
        (
            "Categories left behind most",
            "category",
            "coalesce(items.item_category, '(no category)') as category",
        ),
    ):
        rows = published.rows(_LEFT.format(key=key, what=what, top=TOP), [hour.at, RECENT_DAYS])
        if rows:
            tables.append(_left(published, caption, key, rows))
    if not tables:
        return None
    lead = f"Of the carts left behind in the last {RECENT_DAYS} days, bought after all or not."
    return Section("items", "What is left behind", lead, tables=tables)


def _left(published: Published, caption: str, key: str, rows: Sequence[Row]) -> Table:
    most = rows[0]["cart_count"]
    names: dict[Any, Row] = {}
    if key == "item_id":
        found = published.rows(
            "select item_id, item_name, item_category from items"
            " where item_id in (select unnest(?))",
            [[row[key] for row in rows]],
        )
        names = {row["item_id"]: row for row in found}
    shown = []
    for row in rows:
        item = names.get(row[key], {})
        first = formats.name(item.get("item_name") or row[key])
        note = formats.name(item["item_category"]) if item.get("item_category") else ""
        shown.append(
            (
                Cell(first, note=note),
                Cell(formats.count(row["cart_count"]), share=row["cart_count"] / most),
                formats.share(row["recovered_count"] / row["cart_count"], 0),
                " \N{MIDDLE DOT} ".join(
                    formats.money(each["amount"], each["currency"])
                    for each in (row["amounts"] or [])[:3]
                )
                or formats.NONE,
            )
        )
    title = "Item" if key == "item_id" else "Category"
    return Table(caption, [title, "Carts#", "Bought after all#", "Value still open#"], shown)
