"""What is seen at a glance: the numbers at the head of the page, and what is wrong.

Belongs here: one number each of what the sections say at length. Not here: the sections.
"""

from collections.abc import Iterator

from ml.card import FALLBACK
from orchestration.outputs.report import carts, contacts, dumps, formats, models, outcomes
from orchestration.outputs.report.parts import Tile
from orchestration.outputs.report.published import Hour, Published
from orchestration.warehouse import (
    lacking_rates,
    run_log,
    suspect_files,
    suspicious_ids,
    unread_amounts,
)
from orchestration.warehouse.database import has_table

# of each kind, for the numbers below are to be seen at a glance, on a phone too
SHOWN_WARNINGS = 2


def tiles(published: Published) -> list[Tile]:
    """The numbers at the head, in the order of the questions that are asked first."""
    hour = published.hour
    if hour is None:
        return []
    counts = carts.due_counts(published)
    found = [
        _freshness(hour),
        Tile(
            "Carts due now",
            formats.count(counts["due"]),
            f"of {counts['scored']:,} scored; {counts['tomorrow']:,} more within"
            f" 24{formats.NO_BREAK}h",
            anchor="due",
        ),
    ]
    if hour.currency is not None:
        lacking = counts["without_value"]
        found += [
            Tile(
                "Gain of these contacts",
                formats.money(counts["gain"] or 0, hour.currency),
                "expected, over doing nothing",
                anchor="due",
            ),
            Tile(
                "Value at stake",
                formats.money(counts["value"] or 0, hour.currency),
                "in the scored carts"
                + (f"; {formats.counted(lacking, 'cart')} without a value" if lacking else ""),
                anchor="money",
            ),
        ]
    return [*found, *_calibration(published), _earned(published), _rows(published)]


def _freshness(hour: Hour) -> Tile:
    newest = hour.newest_event
    if newest is None:
        return Tile("Newest event", formats.NONE, "the log is empty", "warn")
    age = f"{formats.duration(hour.at - newest)} before the hour"
    return Tile(
        "Newest event",
        f"{newest:%H:%M}",
        f"{formats.day(newest)}, {age}: {'stale' if hour.is_stale else 'fresh'}"
        if hour.is_stale is not None
        else f"{formats.day(newest)}, {age}",
        "plain" if hour.is_stale is None else "warn" if hour.is_stale else "good",
        "funnel",
    )


def _calibration(published: Published) -> Iterator[Tile]:
    """By what came of scores; before any of that is known, by the test rows of the model."""
    week = outcomes.newest_week(published)
    if week is not None:
        is_within = week["observed_low"] <= week["mean_predicted"] <= week["observed_high"]
        yield Tile(
            "Predicted and came",
            f"{week['mean_predicted']:.0%} / {week['mean_observed']:.0%}",
            f"not bought, {week['cart_count']:,} carts of the week of {formats.day(week['week'])}:"
            f" {'calibrated' if is_within else 'outside of the interval'}",
            "good" if is_within else "warn",
            "outcomes",
        )
        return
    for row in models.champions(published):
        figures = {each["key"]: each["value"] for each in row["figures"] or []}
        ratio = figures.get("predicted_over_observed")
        # of a fallback it is that of a model that was learned and is not in use
        if ratio is not None and row["kind"] != FALLBACK:
            yield Tile(
                f"Predicted over observed, {formats.words(row['name'])}",
                f"{ratio:.2f}",
                "on the model's test rows; no outcome of a score is known yet",
                anchor="models",
            )


def _earned(published: Published) -> Tile:
    """What contacts of the weeks that are over earned."""
    rows = contacts.mature_results(published)
    if not rows:
        has_any = published.has_rows("campaign_results")
        note = "no week is over yet" if has_any else "nobody was contacted long enough ago"
        return Tile("Contacts earned", formats.NONE, note, anchor="effects" if has_any else "")
    others = len(rows) - len(rows := contacts.in_newest_currency(rows))
    earned = sum(row["earned"] or 0 for row in rows)
    persons = sum(row["contacted_persons"] for row in rows)
    surely = sum(row["difference_low"] > 0 for row in rows)
    rest = f"; {formats.counted(others, 'comparison')} in another currency" if others else ""
    return Tile(
        "Contacts earned",
        formats.money(earned, rows[0]["reporting_currency"]),
        f"over people held out, {formats.counted(persons, 'contacted person')}; surely more buyers"
        f" in {surely} of {formats.counted(len(rows), 'comparison')}{rest}",
        "good" if surely else "plain",
        "effects",
    )


def _rows(published: Published) -> Tile:
    rows = dumps.totals(published)
    lost = rows["dropped"] / rows["rows_read"] if rows["rows_read"] else 0.0
    odd = rows["suspect"] + rows["skipped"]
    return Tile(
        "Rows not used",
        formats.share(lost),
        f"{rows['dropped']:,} of {rows['rows_read']:,}, in"
        f" {formats.counted(rows['lossy'], 'file')}; {rows['suspect']:,} suspect,"
        f" {rows['skipped']:,} not read",
        "warn" if odd or lost >= suspect_files.WARN_FROM_SHARE else "good",
        "dumps",
    )


def wrong(published: Published) -> list[str]:
    """What a person should know, in sentences; the gravest first. No id is named."""
    return [formats.name(each, 400) for each in _wrong(published)]


def _wrong(published: Published) -> Iterator[str]:
    hour, connection = published.hour, published.connection
    if hour is None:
        yield "No hour was scored yet."
        return
    if hour.is_stale:
        yield (
            "The hour is stale: its newest event was too old, so what shoppers did since is not"
            " known here."
        )
    for job, _, run_id, reason in run_log.failed_runs(connection, "main"):
        yield f"The run {run_id} ({job}) failed{f': {reason}' if reason else '.'}"
    plain = [each["name"] for each in models.champions(published) if each["kind"] == FALLBACK]
    if plain:
        names = ", ".join(formats.words(each) for each in plain)
        yield f"No learned model gives the scores of {names}; why is said with the models."
    if has_table(connection, "main", "landed_files"):
        rows = dumps.totals(published)
        if rows["suspect"]:
            yield (
                f"{formats.counted(rows['suspect'], 'file')} said too little, and came in because"
                " somebody accepted it or it was corrected since."
            )
        files = suspect_files.warnings(connection)
        files += unread_amounts.warnings(connection, with_text=False)
        yield from files[:SHOWN_WARNINGS]
        if len(files) > SHOWN_WARNINGS:
            yield f"And {len(files) - SHOWN_WARNINGS:,} more files with rows or amounts not read."
    yield from suspicious_ids.warnings(connection, with_ids=False)
    yield from lacking_rates.warnings(connection)[:SHOWN_WARNINGS]
