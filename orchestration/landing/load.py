"""Loading: each content once, each file in one transaction, a note for whatever is odd.

Here: what is known already, the transaction, and that a file did not change under the reader. How a
    kind of file is
read is its reader's business, what the rows mean that of dbt.
"""

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal

import duckdb

from orchestration.landing import csv_files, jsonl_files, parquet_files
from orchestration.landing.erased import Tombstones
from orchestration.landing.files import (
    SCRATCH_PREFIX,
    ByteStream,
    Fingerprint,
    FoundFile,
    content_hash,
    fingerprint,
    is_settled,
    local_copy,
)
from orchestration.landing.sources import Source
from orchestration.landing.tables import FileWriter, NotClean, ensure_raw_tables

ROW_LIMIT_BYTES = 16 << 20

_Reader = Callable[[FileWriter], None]


@dataclass(frozen=True, slots=True)
class LandedFile:
    """What became of one file.

    Attributes:
        source: Name of the source it was landed for.
        file: Name it was found under.
        status: ``loaded`` now; ``known``: its content was loaded before, nothing done; ``refused``:
            not this time, see the note; it will be tried again.
        content_hash: SHA-256 of its bytes, None if it could not be read.
        byte_size: Its size, None if it could not be looked at.
        load_id: The load that holds its content, None if there is none.
        rows_read: Rows found in it now: those in ``raw.<source>`` plus ``rows_unreadable``.
        rows_unreadable: Rows set aside in ``raw.unreadable_rows``, those of erased people too.
        rows_repaired: Rows mended to read them, in ``raw.repaired_rows`` and in ``raw.<source>``.
        note: What is odd about the file, in one line, or None.
    """

    source: str
    file: str
    status: Literal["loaded", "known", "refused"]
    content_hash: str | None = None
    byte_size: int | None = None
    load_id: int | None = None
    rows_read: int = 0
    rows_unreadable: int = 0
    rows_repaired: int = 0
    note: str | None = None


class _ChangedWhileRead(Exception):  # noqa: N818  # the file's fault, told in its note
    pass


def land(
    con: duckdb.DuckDBPyConnection,
    files: Iterable[FoundFile],
    source: Source,
    *,
    landed_at: datetime,
    progress: Callable[[LandedFile], None] | None = None,
    row_limit: int = ROW_LIMIT_BYTES,
    scratch: Path | None = None,
    key_file: Path | None = None,
) -> list[LandedFile]:
    """Load files into ``raw.<source>``, each content once.

    Killed at any point it leaves whole files only. The files are never changed.

    Args:
        con: The warehouse, outside a transaction.
        files: What to load, from ``find_files``.
        source: Whose files they are.
        landed_at: When they arrive, with time zone; taken as no earlier than what landed before,
            for a clock that was set back would make new rows implausible.
        progress: Called with the outcome of each file.
        row_limit: Bytes a row may have; a longer one is set aside.
        scratch: Folder for copies of remote files (default: the system's); those a killed load left
            there are removed.
        key_file: The key by which erased people are told; needed once somebody was erased.

    Returns:
        One outcome a file, in the order given. A file that cannot be read is refused in its
        outcome, not by an exception.

    Raises:
        ValueError: ``landed_at`` has no time zone.
        ComebackError: Somebody was erased, and ``key_file`` does not hold the key.
        duckdb.Error: The warehouse cannot be written; files loaded before stay loaded.
    """
    if landed_at.tzinfo is None:
        raise ValueError("landed_at needs a time zone: pass an aware datetime")
    ensure_raw_tables(con, {source.name: source})
    if scratch is not None:
        _clear(scratch)
    ((newest,),) = con.execute("select max(landed_at) from raw.files").fetchall()
    arrival = landed_at.astimezone(UTC).replace(tzinfo=None)
    load = _Load(
        con,
        source,
        max(arrival, newest or arrival),
        row_limit,
        scratch,
        Tombstones.load(con, key_file),
    )
    outcomes = []
    for file in files:
        outcomes.append(load.file(file))
        if progress is not None:
            progress(outcomes[-1])
    return outcomes


class _Load:
    """One call of ``land``: what it knows of the warehouse, and what it does with each file."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        source: Source,
        landed_at: datetime,
        row_limit: int,
        scratch: Path | None,
        tombstones: Tombstones | None,
    ) -> None:
        self.con = con
        self.source = source
        self.landed_at = landed_at
        self.row_limit = row_limit
        self.scratch = scratch
        self.tombstones = tombstones
        self.loads = dict(
            con.execute(
                "select content_hash, load_id from raw.files where source = ? order by load_id",
                [source.name],
            ).fetchall()
        )
        self.seen = {
            address: (Fingerprint(byte_size, version), digest)
            for address, byte_size, version, digest in con.execute(
                "select address, byte_size, version, content_hash from raw.seen_files "
                "where source = ?",
                [source.name],
            ).fetchall()
        }

    def file(self, file: FoundFile) -> LandedFile:
        """Land one file."""
        try:
            before = fingerprint(file)
            seen, digest = self.seen.get(file.address, (None, ""))
            if seen == before and digest in self.loads:
                return self._known(file, before, digest)
            with local_copy(file, self.scratch) as path:
                digest = content_hash(path)
                if digest in self.loads:
                    self._remember(file, before, digest)
                    return self._known(file, before, digest)
                return self._load(file, path, before, digest)
        except _ChangedWhileRead:
            note = "the file changed while it was read; it will be tried again when it rests"
        except OSError as error:
            note = f"the file cannot be read: {error.strerror or error}"
        return LandedFile(self.source.name, file.name, "refused", note=note)

    def _load(self, file: FoundFile, path: Path, before: Fingerprint, digest: str) -> LandedFile:
        for read in _readers(path, file.ending, self.source, self.row_limit):
            self.con.begin()
            try:
                outcome = self._read(read, file, path, before, digest)
                self.con.commit()
            except NotClean:
                self.con.rollback()
            except BaseException:
                self.con.rollback()
                raise
            else:
                self.loads[digest] = outcome.load_id
                return outcome
        raise AssertionError("the last way of reading takes every file")

    def _read(
        self, read: _Reader, file: FoundFile, path: Path, before: Fingerprint, digest: str
    ) -> LandedFile:
        """Read the file and write its row of ``raw.files``, inside the caller's transaction."""
        ((load_id,),) = self.con.execute(
            "select coalesce(max(load_id), 0) + 1 from raw.files"
        ).fetchall()
        writer = FileWriter(self.con, self.source, load_id, self.tombstones)
        read(writer)
        writer.finish()
        if not writer.rows_read:
            writer.note("the file holds no rows")
        if fingerprint(file) != before or content_hash(path) != digest:
            raise _ChangedWhileRead
        outcome = LandedFile(
            source=self.source.name,
            file=file.name,
            status="loaded",
            content_hash=digest,
            byte_size=before.byte_size,
            load_id=load_id,
            rows_read=writer.rows_read,
            rows_unreadable=writer.rows_unreadable,
            rows_repaired=writer.rows_repaired,
            note="; ".join(writer.notes) or None,
        )
        self.con.execute(
            "insert into raw.files values (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                load_id,
                outcome.source,
                outcome.file,
                digest,
                outcome.byte_size,
                self.landed_at,
                outcome.rows_read,
                outcome.note,
            ],
        )
        self._remember(file, before, digest)
        return outcome

    def _known(self, file: FoundFile, before: Fingerprint, digest: str) -> LandedFile:
        load_id = self.loads[digest]
        return LandedFile(self.source.name, file.name, "known", digest, before.byte_size, load_id)

    def _remember(self, file: FoundFile, before: Fingerprint, digest: str) -> None:
        """Spare the next call the hashing of a file that has rested long enough for a change to
        show."""
        if self.seen.get(file.address) == (before, digest) or not is_settled(file):
            return
        self.con.execute(
            "insert or replace into raw.seen_files values (?, ?, ?, ?, ?)",
            [self.source.name, file.address, before.byte_size, before.version, digest],
        )
        self.seen[file.address] = (before, digest)


def _readers(path: Path, ending: str, source: Source, limit: int) -> list[_Reader]:
    """The ways to read a file, the fastest first; each but the last may find the file not clean
    enough for it."""
    if ending == ".parquet":
        return [
            partial(parquet_files.read_whole, path=path),
            partial(parquet_files.read_by_row_group, path=path),
        ]
    stream = ByteStream(path)
    if ending.startswith(".jsonl"):
        return [partial(jsonl_files.read, stream=stream, limit=limit)]
    layout = csv_files.layout_of(stream, source, limit)
    return [
        partial(csv_files.read_fast, stream=stream, layout=layout, limit=limit),
        partial(csv_files.read_exactly, stream=stream, layout=layout, limit=limit),
    ]


def _clear(scratch: Path) -> None:
    for left in scratch.glob(f"{SCRATCH_PREFIX}*"):
        shutil.rmtree(left)
