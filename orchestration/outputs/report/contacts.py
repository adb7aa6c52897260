"""Who was put on lists and who was not, and what contacts brought.

Belongs here: the sections of the hour's exports by gate, and of contacted people against those held
out. Not here: gates (`outputs.exports.gates`), the comparison (`modelling.contact_results`).
"""

import json
from collections.abc import Mapping
from typing import Any

from orchestration.ground.hours import hour_name
from orchestration.outputs.export_files import MANIFEST
from orchestration.outputs.exports.gates import ELIGIBLE, GATES, decided_by_gates
from orchestration.outputs.report import formats
from orchestration.outputs.report.parts import Cell, Picture, Section, Table
from orchestration.outputs.report.published import Published, Row

SHOWN_EXPORTS = 5
SHOWN_WEEKS = 10
_RESULTS = """
    select *, incremental_margin - contact_cost as earned,
        contacted_conversions / contacted_persons as bought,
        held_out_conversions / held_out_persons as bought_held_out
    from campaign_results
    where is_mature and difference is not null
    order by week desc, segment, action, channel
"""


def exports(published: Published) -> Section | None:
    """The exports of the hour: who is on each, and the gates that held the others back."""
    found = _exports_of(published)
    if not found:
        return None
    names = list(found)[:SHOWN_EXPORTS]
    decided = {name: decided_by_gates(found[name]) for name in names}
    counts = {name: each for name, each in decided.items() if each is not None}
    gates = [gate for gate in GATES if any(each.get(gate) for each in counts.values())]
    rows = [
        (
            "exported" if gate == ELIGIBLE else formats.words(gate),
            *(formats.count(each.get(gate, 0)) for each in counts.values()),
        )
        for gate in [ELIGIBLE, *(each for each in gates if each != ELIGIBLE)]
    ]
    persons = "; ".join(
        f"{formats.name(name)} {formats.counted(found[name]['persons'], 'person')}"
        for name in names
    )
    more = f", and {len(found) - len(names)} more exports" if len(found) > len(names) else ""
    table = Table(
        "Persons by the first gate that held them back",
        ["Gate", *(f"{formats.name(name, 20)}#" for name in counts)],
        rows,
        note="What each gate asks is in dbt_project/docs/exports.md.",
    )
    return Section(
        "exports",
        "Exports of the hour",
        f"On the lists: {persons}{more}.",
        [],
        [table] if counts else [],
    )


def _exports_of(published: Published) -> Mapping[str, Any]:
    """The exports in the manifest of the hour, by name; nothing where there is none."""
    if published.hour is None or published.exports is None:
        return {}
    try:
        path = published.exports / hour_name(published.hour.at) / MANIFEST
        return json.loads(path.read_bytes())["exports"]
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
    ):  # the hour is kept no longer, or an older version's
        return {}


def mature_results(published: Published) -> list[Row]:
    """What contacts of weeks that are over brought, the newest week first."""
    return published.rows(_RESULTS) if published.has_rows("campaign_results") else []


def in_newest_currency(rows: list[Row]) -> list[Row]:
    """Those that may be added: a week stays in the reporting currency it was written in last."""
    return [row for row in rows if row["reporting_currency"] == rows[0]["reporting_currency"]]


def effects(published: Published) -> Section | None:
    """Contacted people against those held out."""
    if not published.has_rows("campaign_results"):
        return None
    rows = mature_results(published)
    lead = (
        "People held out are drawn at random and never contacted: what the others buy more is what"
        " contacts did."
    )
    if not rows:
        lead += " No week of first contacts is over yet."
    return Section(
        "effects",
        "What contacts brought",
        lead,
        [_differences(rows)] if rows else [],
        [_earned(rows)] if rows else [],
    )


def _label(row: Row) -> str:
    return f"{formats.words(row['action'])}, {row['week'].day} {row['week']:%b}"


def _differences(rows: list[Row]) -> Picture:
    from orchestration.outputs.report import plots

    shown = rows[:SHOWN_WEEKS][::-1]
    above = sum(row["difference_low"] > 0 for row in shown)
    below = sum(row["difference_high"] < 0 for row in shown)
    return Picture(
        key="effects-differences",
        title="Buyers among contacted less among held out",
        svg=plots.differences(
            "effects-differences",
            [f"{row['week'].day} {row['week']:%b}" for row in shown],
            *([row[f"difference{end}"] for row in shown] for end in ("", "_low", "_high")),
        ),
        text=f"Of {formats.counted(len(shown), 'comparison')}, {above} lie surely above nothing,"
        f" {below} surely below.",
        legend=[("square orange", "difference, with its interval"), ("line muted", "no effect")],
        figures=Table(
            "Differences of the shares who bought",
            ["Action, week", "Contacted#", "Held out#", "Difference#", "Interval of 95 %#"],
            [
                (
                    _label(row),
                    formats.share(row["bought"]),
                    formats.share(row["bought_held_out"]),
                    formats.points(row["difference"], 0.0),
                    f"{formats.points(row['difference_low'], 0.0)} to"
                    f" {formats.points(row['difference_high'], 0.0)}",
                )
                for row in shown[::-1]
            ],
        ),
    )


def _earned(rows: list[Row]) -> Table:
    return Table(
        "What they earned",
        ["Action, week", "Contacted#", "Held out#", "Revenue more#", "Earned#"],
        [
            (
                Cell(_label(row), note=formats.words(row["segment"])),
                formats.count(row["contacted_persons"]),
                formats.count(row["held_out_persons"]),
                Cell(
                    formats.money(row["incremental_revenue"], row["reporting_currency"]),
                    note=_interval(row),
                ),
                formats.money(row["earned"], row["reporting_currency"]),
            )
            for row in rows[:SHOWN_WEEKS]
        ],
        note="Earned: the margin of what was bought more, less what incentives and contacts cost."
        " Weeks that are over, all in campaign_results.",
    )


def _interval(row: Row) -> str:
    """Of the revenue; one person says nothing of how far another's would be from theirs."""
    ends = [row[f"incremental_revenue_{end}"] for end in ("low", "high")]
    if None in ends:
        return "no interval of one person"
    return " to ".join(formats.money(end, row["reporting_currency"]) for end in ends)
