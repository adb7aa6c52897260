"""Lines of text on what there is, for the summary of a run and `comeback status`.

Belongs here: the lines of one table each, and how values and tables look in print. Not here: which
lines are shown, what is wrong (status.py).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import duckdb
import polars as pl

from ml.card import FALLBACK
from orchestration.ground.encryption import is_encrypted
from orchestration.ground.home import Home
from orchestration.ground.text import in_print
from orchestration.landing.csv_layout import AS_DECLARED
from orchestration.modelling.scoring import is_constant
from orchestration.warehouse import segment_history
from orchestration.warehouse.contactable import conditions_in
from orchestration.warehouse.outcomes import weekly_outcomes
from orchestration.warehouse.run_log import reporting_currency
from orchestration.warehouse.score_tables import HAS_SCORED
from orchestration.warehouse.skipped_files import SkippedFile

SHOWN_SWINGS = 3


def scored_line(connection: duckdb.DuckDBPyConnection, hour: datetime) -> str:
    """How many carts were scored at an hour, and what is to be done about them."""
    may_be_contacted, is_bots = conditions_in(connection)
    scored, worthwhile, held_out, bots = connection.execute(
        f"select count(*), count(*) filter (best_action <> 'nothing' and {may_be_contacted}),"
        f" count(*) filter (is_holdout), count(*) filter (not is_holdout and {is_bots})"
        " from cart_scores where scored_at = ?",
        [hour],
    ).fetchall()[0]
    never = f"; {held_out:,} of people who are held out" if held_out else ""
    never += f"; {bots:,} of suspected bots" if bots else ""
    return f"Scored     {scored:,} open carts, {worthwhile:,} worth a nudge{never}"


def constant_lines(connection: duckdb.DuckDBPyConnection, hour: datetime) -> Iterator[str]:
    """That all carts of an hour have one chance, and why the model gives no other; no line where
    they differ."""
    scores = connection.sql(
        "select cart_scores.p_abandon, models.kind, models.note"
        " from cart_scores left join models on cart_scores.abandonment_model = models.model_id"
        " where scored_at = ?",
        params=[hour],
    ).pl()
    if is_constant(scores, is_learned=FALLBACK not in scores["kind"]):
        note = scores["note"][0]
        yield f"p_abandon is the same for every cart{f': {note}' if note else ''}"


def outcome_lines(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """What became of the scores of the newest week of outcomes; no line before there are any.

    Args:
        connection: the published file.
    """
    for week in weekly_outcomes(connection, 1, "main").iter_rows(named=True):
        abandoned = week["abandoned_count"] / week["cart_count"]
        yield (
            f"Outcomes   {week['cart_count']:,} carts scored in the week of {week['week']}, the"
            f" newest that is known: {abandoned:.1%} were abandoned,"
            f" {week['mean_predicted']:.1%} were expected to be"
        )


def money_lines(connection: duckdb.DuckDBPyConnection, hour: datetime) -> Iterator[str]:
    """The currency that an hour's values and gains are in, if the log knows any."""
    if not has_column(connection, "runs", "reporting_currency"):
        return  # an older version published it
    currency = reporting_currency(connection, hour, "main")
    if currency is not None:
        yield f"Money      gains, ranks and sums are in {currency}"


def late_lines(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """What late rows changed, where the newest run of an hour took up any."""
    for rows, merged, split, reopened, changed, vanished, withdrawn in connection.execute(
        "select late_row_count, merged_session_count, split_session_count, reopened_session_count,"
        " changed_cart_count, vanished_cart_count, withdrawn_priority_count"
        " from late_data_report where late_row_count > 0"
        f" and built_at >= (select max(started_at) from runs where {HAS_SCORED})"
    ).fetchall():
        yield (
            f"Late       {rows:,} rows; sessions: {merged:,} merged, {split:,} split,"
            f" {reopened:,} re-opened; carts: {changed:,} with another status, {vanished:,} gone;"
            f" {withdrawn:,} priorities withdrawn"
        )


def swing_lines(connection: duckdb.DuckDBPyConnection, hour: datetime) -> Iterator[str]:
    """Which segments of people grew or shrank by more than half within the day before an hour; no
    line without any."""
    swings = segment_history.swings(connection, hour, "main")
    if swings:
        more = len(swings) - SHOWN_SWINGS
        named = [*map(str, swings[:SHOWN_SWINGS]), *([f"and {more} more"] if more > 0 else [])]
        which = "a segment" if len(swings) == 1 else f"{len(swings)} segments"
        yield f"{which} changed by more than half within a day: {'; '.join(named)}"


def skipped_lines(files: Sequence[SkippedFile]) -> Iterator[str]:
    """How many files no reader reads, by reason, the commonest first, if there are any."""
    if files:
        counts = Counter(each.reason for each in files)
        found = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
        reasons = ", ".join(f"{count} {reason}" for reason, count in found)
        which = "1 file is" if len(files) == 1 else f"{len(files):,} files are"
        yield f"Skipped    {which} not read: {reasons}"


def encryption_lines(home: Home) -> Iterator[str]:
    """Whether the warehouse is encrypted, if there is one."""
    words = {True: "encrypted", False: "not encrypted"}
    if (answer := words.get(is_encrypted(home.warehouse))) is not None:
        yield f"Warehouse  {answer}"


def has_column(published: duckdb.DuckDBPyConnection, table: str, column: str) -> bool:
    """Whether a table has a column: a file that an older version published may lack it."""
    query = "select count(*) from duckdb_columns() where table_name = ? and column_name = ?"
    return published.execute(query, [table, column]).fetchall() == [(1,)]


def aligned(frame: pl.DataFrame) -> str:
    """The frame as columns of text, with a header line."""
    texts = cells(frame)
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in texts)
    return "\n".join(lines)


def cells(frame: pl.DataFrame) -> list[list[str]]:
    """The names of a frame's columns, and then each row, as texts."""
    return [frame.columns, *([_text(value) for value in row] for row in frame.rows())]


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case float():
            return f"{value:.3f}"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}"
        case _:
            return in_print(str(value))


def odd_notes(notes: Iterable[tuple]) -> Iterator[tuple]:
    """Rows that end with the note about a file, less what the declaration of its source says."""
    for *file, note in notes:
        if left := note.removeprefix(AS_DECLARED).removeprefix("; "):
            yield (*file, left)
