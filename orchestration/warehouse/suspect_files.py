"""Files that say too little, and saying that one is meant so.

Belongs here: which suspect files still stop an hour, what is said of them, and the note that one
was accepted. Not here: which file is suspect by its rows; dbt decides that
(models/quality/landed_files.sql); files that no reader reads (`skipped_files`).

What is said in Dagster's record and in `scores.runs` names lines only: a row may name a person, and
those records are not searched row by row when somebody is erased.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from shlex import quote

import duckdb

from orchestration.ground.errors import ComebackError, WrongUsage
from orchestration.ground.hours import BEGINNING_OF_TIME
from orchestration.ground.sql import quoted, transaction
from orchestration.landing.files import content_hash
from orchestration.warehouse import skipped_files
from orchestration.warehouse.database import has_table
from orchestration.warehouse.remedies import UNKNOWN_WORDS, remedy, with_remedy
from orchestration.warehouse.score_tables import ACCEPTED_FILES
from orchestration.warehouse.skipped_files import SkippedFile

EXAMPLES = 3
WARN_FROM_SHARE = 0.05
_SHOWN_TYPES, _SHOWN_FILES, _SHOWN_CHARACTERS = 3, 5, 200
# What cannot be read, by its reason.
_AMOUNTS = {"bad_price": "prices", "bad_order_value": "order values"}
# why rows are dropped of which the file is not to blame
_WITHHELD = "('erased', 'no_consent', 'superseded')"

_NOT_ACCEPTED = f"""
    from main.landed_files as landed
    where is_suspect
        and not exists (
            select 1 from scores.{ACCEPTED_FILES.name} as accepted
            where accepted.source = landed.source and accepted.content_hash = landed.content_hash
        )
"""
_LATER = """
    select 1 from raw.files as later
    where later.source = landed.source and later.file = landed.file
        and later.load_id > landed.load_id
"""
# A file stops no hour once it was accepted, or its name came again with other content.
_PENDING = f"{_NOT_ACCEPTED} and not exists ({_LATER})"


@dataclass(frozen=True)
class Example:
    """A row of a suspect file: its line, and as it was delivered."""

    line: int
    row: str


@dataclass(frozen=True)
class SuspectFile:
    """A file that stops the hour.

    Attributes:
        source: as what it was read.
        file: the name it was found under.
        content_hash: SHA-256 of its bytes.
        rows_read: rows in it.
        fault: its share of bad rows and the commonest reason, as a clause.
        todo: what to do about that reason, as a clause; None if it says it all.
        examples: some of these rows.
    """

    source: str
    file: str
    content_hash: str
    rows_read: int
    fault: str
    todo: str | None
    examples: Sequence[Example]

    @property
    def summary(self) -> str:
        """File, share, commonest reason and lines, without any content of a row."""
        lines = ", ".join(str(each.line) for each in self.examples)
        return f"{self.file} ({self.source}): {self.fault}, for example line {lines}"

    @property
    def in_full(self) -> str:
        """The same with the rows themselves, for the eyes of whoever runs it."""
        rows = [f"line {each.line}{each.row and f': {each.row}'}" for each in self.examples]
        return f"{self.file} ({self.source}): {self.fault}, for example {'; '.join(rows)}"

    @property
    def acceptance(self) -> str:
        """What to type if it is meant so."""
        return f"comeback accept {quote(self.file)}"


def pending(connection: duckdb.DuckDBPyConnection) -> list[SuspectFile]:
    """The suspect files that nobody accepted or corrected, the oldest first; none before a build.

    A warehouse that an older version built has no `is_suspect`: then none is known.
    """
    if not is_judged(connection):
        return []
    rows = connection.execute(
        f"select source, file, content_hash, load_id, rows_read, rows_dropped {_PENDING}"
        " order by load_id"
    ).fetchall()
    return [_described(connection, *row) for row in rows]


def corrected(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, str, str]]:
    """The suspect files that nobody accepted and that came again under the same name and were read:
    load_id, file and source, the oldest first; none before a build."""
    if not is_judged(connection):
        return []
    return connection.execute(
        f"select load_id, file, source {_NOT_ACCEPTED}"
        f" and exists ({_LATER} and later.skipped_reason is null) order by load_id"
    ).fetchall()


def reason_to_stop(files: Sequence[SuspectFile], *, with_rows: bool) -> str | None:
    """The line that an hour ends with; None if there is no such file.

    Args:
        files: those that are pending.
        with_rows: whether example rows are shown; never in what is kept.
    """
    if not files:
        return None
    shown = [each.in_full if with_rows else each.summary for each in files[:_SHOWN_FILES]]
    accepting = [each.acceptance for each in files[:_SHOWN_FILES]]
    if rest := len(files) - len(shown):
        shown.append(f"and {rest} more")
        accepting.append("the others: comeback status")
    is_one = len(files) == 1
    says = "a file says too little" if is_one else "files say too little"
    their = "file or the definition of its" if is_one else "files or the definition of their"
    todos = dict.fromkeys(each.todo for each in files[:_SHOWN_FILES] if each.todo)
    correct = ": ".join([f"correct the {their} source", *filter(None, ["; ".join(todos)])])
    fault = ComebackError(
        f"{says}: {'; '.join(shown)}",
        "nothing was published",
        f"{correct}; if it is meant so: {'; '.join(accepting)}",
    )
    return str(fault)


def warnings(
    connection: duckdb.DuckDBPyConnection, since: datetime | None = None, schema: str = "main"
) -> list[str]:
    """Files of which at least 5 % of the rows were dropped, in sentences, the newest first.

    Args:
        connection: warehouse or published file.
        since: only files that landed at or after it, UTC.
        schema: where `landed_files` and `set_aside_rows` are.
    """
    rows = connection.execute(
        f"with dropped as (select load_id, reason, count(*) as row_count"
        f" from {schema}.set_aside_rows where action = 'dropped' and reason not in {_WITHHELD}"
        " group by all)"
        " select file, source, rows_read, sum(row_count)::bigint, max_by(reason, row_count)"
        f" from {schema}.landed_files inner join dropped using (load_id)"
        " where landed_at >= ?"
        " group by load_id, file, source, rows_read having sum(row_count) >= ? * rows_read"
        " order by load_id desc",
        [since or BEGINNING_OF_TIME, WARN_FROM_SHARE],
    ).fetchall()
    return [
        with_remedy(
            f"{file} ({source}): {_share(dropped, read)} were dropped, most for {reason}",
            remedy(reason),
        )
        for file, source, read, dropped, reason in rows
    ]


def that_lost_rows(
    connection: duckdb.DuckDBPyConnection, limit: int
) -> list[tuple[str, str, int, int]]:
    """File, source, rows read and rows dropped, most dropped first."""
    return connection.execute(
        "select file, source, rows_read, rows_dropped from main.landed_files"
        " where rows_dropped > 0 order by rows_dropped desc, load_id desc limit ?",
        [limit],
    ).fetchall()


def accept(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str], at: datetime
) -> list[SuspectFile | SkippedFile]:
    """Note that files are meant so: of all of them, or of none.

    Args:
        connection: the open warehouse.
        names: as for `named`.
        at: now, UTC.

    Returns:
        The files that were accepted.

    Raises:
        ComebackError: as from `named`.
    """
    files = named(connection, names)
    with transaction(connection):
        for each in files:
            connection.execute(
                f"insert into scores.{ACCEPTED_FILES.name} by name"
                " select ? as source, ? as content_hash, ? as accepted_at",
                [each.source, each.content_hash, at],
            )
    return files


def named(
    connection: duckdb.DuckDBPyConnection, names: Sequence[str]
) -> list[SuspectFile | SkippedFile]:
    """The files that can be accepted, suspect or not read, that are meant by names.

    Args:
        connection: the open warehouse.
        names: of each file its name in `landed_files`, the end of it, or a path to it.

    Returns:
        Each file once, in the order of the names.

    Raises:
        ComebackError: no such file, or more than one, is meant by a name.
        WrongUsage: a name is that of no file that ever landed, and no path to one.
    """
    suspect, skipped = pending(connection), skipped_files.pending(connection)
    meant: list[SuspectFile | SkippedFile] = []
    for name in names:
        chosen = _named([*suspect, *skipped], name)
        if not chosen:
            known = ", ".join(each.file for each in suspect) or "none"
            raise (ComebackError if _is_file(connection, name) else WrongUsage)(
                "no suspect file has this name", name, f"suspect are: {known}; see comeback status"
            )
        if len({each.file for each in chosen}) > 1:
            raise ComebackError(
                "several suspect files are meant by this name",
                name,
                f"give one of: {', '.join(each.file for each in chosen)}",
            )
        meant += [each for each in chosen if each not in meant]
    return meant


def _named(
    files: Sequence[SuspectFile | SkippedFile], name: str
) -> list[SuspectFile | SkippedFile]:
    """The files of that very name; else with that content; else whose name ends with it."""
    if exact := [each for each in files if each.file == name]:
        return exact
    path = Path(name)
    if path.is_file():
        digest = content_hash(path)
        return [each for each in files if each.content_hash == digest]
    return [each for each in files if each.file.endswith(f"/{name}")]


def _is_file(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Whether a file of that name ever landed, or is there."""
    if Path(name).exists():
        return True
    if not has_table(connection, "raw", "files"):
        return False
    query = "select count(*) from raw.files where file = ? or ends_with(file, '/' || ?)"
    return connection.execute(query, [name, name]).fetchall() != [(0,)]


def is_judged(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether a build has said which files are suspect; one of an older version did not."""
    query = (
        "select count(*) from duckdb_columns() where database_name = current_database()"
        " and schema_name = 'main' and table_name = 'landed_files' and column_name = 'is_suspect'"
    )
    return connection.execute(query).fetchall() == [(1,)] and has_table(
        connection, "scores", ACCEPTED_FILES.name
    )


def _described(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    file: str,
    content_hash: str,
    load_id: int,
    rows_read: int,
    rows_dropped: int,
) -> SuspectFile:
    """The file with the first fault that holds: dropped rows, unreadable amounts, no known type."""
    dropped, repaired = (
        dict(
            connection.execute(
                "select reason, count(*) from main.set_aside_rows where load_id = ?"
                f" and action = ? and reason not in {_WITHHELD} group by all order by all",
                [load_id, action],
            ).fetchall()
        )
        for action in ("dropped", "repaired")
    )
    count = sum(dropped.values())
    rows = rows_read - (rows_dropped - count)
    readable = connection.execute(
        "select count(price), count(order_value) from main.candidate_events"
        " where load_id = ? and drop_reason is null",
        [load_id],
    ).fetchall()[0]
    unreadable = [
        (reason, repaired[reason], repaired[reason] + good)
        for reason, good in zip(_AMOUNTS, readable, strict=True)
        if repaired.get(reason, 0) > good
    ]
    if 2 * count > rows:
        commonest = max(dropped, key=dropped.__getitem__)
        fault, todo = f"{_share(count, rows)} were dropped, most for {commonest}", remedy(commonest)
        examples = _set_aside(connection, load_id, commonest)
    elif unreadable:
        commonest, bad, given = unreadable[0]
        fault = (
            f"{bad:,} of {given:,} {_AMOUNTS[commonest]} ({bad / given:.0%}) cannot be read,"
            f" {commonest}"
        )
        todo = remedy(commonest)
        examples = _set_aside(connection, load_id, commonest)
    else:
        types = _commonest_types(connection, load_id)
        fault = f"none of {rows:,} rows has a known type, the commonest are {types}"
        todo = UNKNOWN_WORDS
        examples = _delivered(connection, source, load_id)
    return SuspectFile(source, file, content_hash, rows_read, fault, todo, examples)


def _commonest_types(connection: duckdb.DuckDBPyConnection, load_id: int) -> str:
    rows = connection.execute(
        "select event_type, count(*) as row_count from main.candidate_events"
        " where load_id = ? and drop_reason is null group by all"
        " order by row_count desc, event_type limit ?",
        [load_id, _SHOWN_TYPES],
    ).fetchall()
    return ", ".join(f"{_short(name)} ({count})" for name, count in rows)


def _set_aside(connection: duckdb.DuckDBPyConnection, load_id: int, reason: str) -> list[Example]:
    rows = connection.execute(
        "select line, raw_row from main.set_aside_rows where load_id = ? and reason = ?"
        " order by line limit ?",
        [load_id, reason, EXAMPLES],
    ).fetchall()
    return [Example(line, _short(_without_nulls(row or ""))) for line, row in rows]


def _delivered(connection: duckdb.DuckDBPyConnection, source: str, load_id: int) -> list[Example]:
    found = connection.execute(
        f"select * from raw.{quoted(source)} where _load_id = {int(load_id)}"
        f" order by _line limit {EXAMPLES}"
    )
    names = [column[0] for column in found.description]
    examples = []
    for row in found.fetchall():
        values = dict(zip(names, row, strict=True))
        line = values.pop("_line")
        del values["_load_id"]
        examples.append(Example(line, _short(_given(values))))
    return examples


def _without_nulls(row: str) -> str:
    """A row that is kept as JSON, without the fields that it does not have."""
    try:
        values = json.loads(row)
    except (ValueError, RecursionError):
        return row
    return _given(values) if isinstance(values, dict) else row


def _given(values: dict[str, object]) -> str:
    given = {name: value for name, value in values.items() if value is not None}
    return json.dumps(given, ensure_ascii=False)


def _share(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,} rows ({part / whole:.0%})"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN_CHARACTERS else f"{line[:_SHOWN_CHARACTERS]}..."
