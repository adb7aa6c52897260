"""Files that no reader reads: which of them somebody still has to look at.

Belongs here: those that landed as skipped, less those that somebody said are meant so, less those
that are gone from where they were delivered. Not here: why a file is not read (`landing.kinds`);
the note that one was accepted (`suspect_files`).

A file stays in `landed_files` whatever became of it: that table is the history.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import duckdb

from orchestration.ground.errors import ComebackError
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.landing import FoundFile, Source, find_files
from orchestration.landing.locations import configured_locations, remembered_locations
from orchestration.warehouse.database import has_table
from orchestration.warehouse.score_tables import ACCEPTED_FILES


@dataclass(frozen=True)
class SkippedFile:
    """A file of which no row was read.

    Attributes:
        source: as what it was delivered.
        file: the name it was found under.
        content_hash: SHA-256 of its bytes.
        reason: why it was not read, as a code.
    """

    source: str
    file: str
    content_hash: str
    reason: str

    @property
    def summary(self) -> str:
        """File and reason."""
        return f"{self.file} ({self.source}): not read, {self.reason}"


def of_table(connection: duckdb.DuckDBPyConnection, table: str) -> list[SkippedFile]:
    """The files that were skipped, the oldest first.

    Args:
        connection: warehouse or published file.
        table: `raw.files`, or `main.landed_files`, which the published file has.
    """
    schema, _, name = table.partition(".")
    query = (
        "select count(*) from duckdb_columns() where database_name = current_database()"
        " and schema_name = ? and table_name = ? and column_name = 'skipped_reason'"
    )
    if connection.execute(query, [schema, name]).fetchall() != [(1,)]:
        return []  # an older version made it
    rows = connection.execute(
        f"select source, file, content_hash, skipped_reason from {table}"
        " where skipped_reason is not null order by load_id"
    ).fetchall()
    return [SkippedFile(*row) for row in rows]


def pending(connection: duckdb.DuckDBPyConnection) -> list[SkippedFile]:
    """Those that nobody accepted, the oldest first.

    Args:
        connection: the open warehouse.
    """
    accepted = accepted_contents(connection)
    return [
        each
        for each in of_table(connection, "raw.files")
        if (each.source, each.content_hash) not in accepted
    ]


def accepted_contents(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    """Source and content of the files that somebody said are meant so.

    Args:
        connection: the open warehouse.
    """
    if not has_table(connection, "scores", ACCEPTED_FILES.name):
        return set()
    query = f"select source, content_hash from scores.{ACCEPTED_FILES.name}"
    return {*connection.execute(query).fetchall()}


def still_there(
    files: Sequence[SkippedFile], home: Home, settings: Settings, sources: Mapping[str, Source]
) -> list[SkippedFile]:
    """Those of the files that lie where they were delivered.

    A store is not asked, it may be slow or not answer: what came from one counts as there.

    Raises:
        ComebackError: a folder is set for a source that is not defined.
    """
    if not files:
        return []
    locations = [
        *configured_locations(home, settings, sources),
        *remembered_locations(home),
    ]
    there: dict[str, list[FoundFile] | None] = {}
    for name in {each.source for each in files}:
        addresses = [each.address for each in locations if each.source == name]
        there[name] = (
            None
            if any("://" in address for address in addresses)
            else list(_found(addresses, sources[name], settings))
        )
    return [each for each in files if _is_among(each, there[each.source])]


def _found(addresses: Iterable[str], source: Source, settings: Settings) -> Iterable[FoundFile]:
    for address in addresses:
        try:
            yield from find_files(address, source, follow_symlinks=settings.follow_symlinks)
        except ComebackError:  # a file that was given by itself, and is gone
            continue


def _is_among(file: SkippedFile, found: Sequence[FoundFile] | None) -> bool:
    if found is None:
        return True
    # a file that was given by itself has the name it was given by, from whatever folder
    parts = [part for part in PurePath(file.file).parts if part not in ("/", "..")]
    end = "/" + "/".join(parts)
    return any(
        each.name == file.file or f"/{PurePath(each.address).as_posix()}".endswith(end)
        for each in found
    )
