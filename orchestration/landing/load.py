"""Loading: each content once, whole files only, a note for whatever is odd.

Here: what is known already, the transactions, and that a file did not change under the reader. How
a kind of file is read is its reader's business, what the rows mean that of dbt.

Files go into the warehouse many at a time, in one transaction: a small one would cost more than its
rows do. Where one of them is not sound, it is found by halving, and gets a transaction of its own.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal

import duckdb

from orchestration.landing import csv_files, jsonl_files, parquet_files
from orchestration.landing.file_writer import (
    FileWriter,
    NotClean,
    are_full,
    finish_together,
    insert_rows,
)
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
from orchestration.landing.raw_tables import ensure_raw_tables
from orchestration.landing.sources import Source
from orchestration.landing.tombstones import Tombstones

ROW_LIMIT_BYTES = 16 << 20
BATCH_BYTES = 64 << 20
BATCH_FILES = 1_000
# Below it Python reads a CSV file faster than DuckDB begins a statement; of gzip an eighth.
SMALL_BYTES = 32 << 10

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
        delimiter: What separates the fields of a CSV file that was loaded now.
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
    delimiter: str | None = None


class _ChangedWhileRead(Exception):  # noqa: N818  # the file's fault, said in its note
    pass


@dataclass(frozen=True, slots=True)
class _NewFile:
    """A file that is not known by name, and the path at which its bytes can be read.

    ``is_settled`` says whether it had rested long enough before it was hashed for a change to show.
    """

    file: FoundFile
    path: Path
    before: Fingerprint
    is_settled: bool
    digest: str


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
        key_file: The key by which erased people are recognised; needed once somebody was erased.

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
    for outcome in load.files(files):
        outcomes.append(outcome)
        if progress is not None:
            progress(outcome)
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

    def files(self, files: Iterable[FoundFile]) -> Iterator[LandedFile]:
        """Land files, a batch at a time; their outcomes in the order given."""
        batch: list[_NewFile | LandedFile] = []
        byte_size = 0
        with ExitStack() as copies:
            for file in files:
                one = self._look(file, copies)
                batch.append(one)
                byte_size += one.before.byte_size if isinstance(one, _NewFile) else 0
                if len(batch) >= BATCH_FILES or byte_size >= BATCH_BYTES:
                    yield from self._land(batch)
                    batch, byte_size = [], 0
                    copies.close()
            yield from self._land(batch)

    def _look(self, file: FoundFile, copies: ExitStack) -> _NewFile | LandedFile:
        """Whether the file is known; a copy that it takes lives as long as ``copies``."""
        try:
            before = fingerprint(file)
            seen, digest = self.seen.get(file.address, (None, ""))
            if seen == before and digest in self.loads:
                return self._known(file, before, digest)
            path = copies.enter_context(local_copy(file, self.scratch))
            return _NewFile(file, path, before, is_settled(file), content_hash(path))
        except OSError as error:
            return self._unreadable(file, error)

    def _land(self, batch: list[_NewFile | LandedFile]) -> Iterator[LandedFile]:
        firsts: dict[str, _NewFile] = {}
        for one in batch:
            if isinstance(one, _NewFile) and one.digest not in self.loads:
                firsts.setdefault(one.digest, one)
        outcomes = self._land_together(list(firsts.values()))
        for one in batch:
            if isinstance(one, LandedFile):
                yield one
            elif firsts.get(one.digest) is one:
                yield next(outcomes)
            else:
                yield self._land_alone(one)
        self._remember(batch)

    def _land_together(self, new: list[_NewFile]) -> Iterator[LandedFile]:
        """Load files, in one transaction as far as they are sound; their outcomes in order."""
        if not new:
            return
        try:
            with self._transaction():
                outcomes = self._read_together(new)
        except (NotClean, _ChangedWhileRead, OSError):
            if len(new) == 1:
                yield self._land_alone(new[0])
                return
            half = len(new) // 2
            yield from self._land_together(new[:half])
            yield from self._land_together(new[half:])
            return
        for one, outcome in zip(new, outcomes, strict=True):
            self.loads[one.digest] = outcome.load_id
        yield from outcomes

    def _read_together(self, new: list[_NewFile]) -> list[LandedFile]:
        first = self._next_load_id()
        pairs = [(one, self._writer(load_id)) for load_id, one in enumerate(new, start=first)]
        parquet = [(writer, one.path) for one, writer in pairs if one.file.ending == ".parquet"]
        if parquet:
            parquet_files.read_whole(*zip(*parquet, strict=True), limit=self.row_limit)
        held: list[FileWriter] = []
        for one, writer in pairs:
            if one.file.ending != ".parquet":
                _readers(one.path, one.file.ending, self.source, self.row_limit)[0](writer)
            held.append(writer)
            if are_full(held):
                finish_together(held)
                held.clear()
        finish_together(held)
        outcomes = [self._outcome(one, writer) for one, writer in pairs]
        self._record(outcomes)
        return outcomes

    def _land_alone(self, one: _NewFile) -> LandedFile:
        if one.digest in self.loads:
            return self._known(one.file, one.before, one.digest)
        try:
            outcome = self._read_alone(one)
        except _ChangedWhileRead:
            note = "the file changed while it was read; it will be tried again when it rests"
            return LandedFile(self.source.name, one.file.name, "refused", note=note)
        except OSError as error:
            return self._unreadable(one.file, error)
        self.loads[one.digest] = outcome.load_id
        return outcome

    def _read_alone(self, one: _NewFile) -> LandedFile:
        for read in _readers(one.path, one.file.ending, self.source, self.row_limit):
            with suppress(NotClean), self._transaction():
                writer = self._writer(self._next_load_id())
                read(writer)
                writer.finish()
                outcome = self._outcome(one, writer)
                self._record([outcome])
                return outcome
        raise AssertionError("the last way of reading takes every file")

    def _next_load_id(self) -> int:
        query = "select coalesce(max(load_id), 0) + 1 from raw.files"
        return self.con.execute(query).fetchall()[0][0]

    def _writer(self, load_id: int) -> FileWriter:
        return FileWriter(self.con, self.source, load_id, self.tombstones)

    def _outcome(self, one: _NewFile, writer: FileWriter) -> LandedFile:
        """What became of a file that was read to its end, unless it changed meanwhile."""
        if not writer.rows_read:
            writer.note("the file holds no rows")
        if fingerprint(one.file) != one.before or content_hash(one.path) != one.digest:
            raise _ChangedWhileRead
        return LandedFile(
            source=self.source.name,
            file=one.file.name,
            status="loaded",
            content_hash=one.digest,
            byte_size=one.before.byte_size,
            load_id=writer.load_id,
            rows_read=writer.rows_read,
            rows_unreadable=writer.rows_unreadable,
            rows_repaired=writer.rows_repaired,
            note="; ".join(writer.notes) or None,
            delimiter=writer.delimiter,
        )

    def _record(self, outcomes: list[LandedFile]) -> None:
        """Write the rows about files, in the caller's transaction."""
        rows = [
            (
                each.load_id,
                each.source,
                each.file,
                each.content_hash,
                each.byte_size,
                self.landed_at,
                each.rows_read,
                each.note,
                each.delimiter,
            )
            for each in outcomes
        ]
        insert_rows(self.con, "insert into raw.files", rows)

    def _remember(self, batch: list[_NewFile | LandedFile]) -> None:
        """Spare the next call the hashing of files that are loaded and have rested."""
        rows = {
            one.file.address: (
                self.source.name,
                one.file.address,
                one.before.byte_size,
                one.before.version,
                one.digest,
            )
            for one in batch
            if isinstance(one, _NewFile) and one.is_settled and one.digest in self.loads
        }
        insert_rows(self.con, "insert or replace into raw.seen_files", [*rows.values()])

    def _known(self, file: FoundFile, before: Fingerprint, digest: str) -> LandedFile:
        load_id = self.loads[digest]
        return LandedFile(self.source.name, file.name, "known", digest, before.byte_size, load_id)

    def _unreadable(self, file: FoundFile, error: OSError) -> LandedFile:
        note = f"the file cannot be read: {error.strerror or error}"
        return LandedFile(self.source.name, file.name, "refused", note=note)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self.con.begin()
        try:
            yield
        except BaseException:
            self.con.rollback()
            self.con.execute("reset preserve_insertion_order")  # readers count on it
            raise
        self.con.commit()


def _readers(path: Path, ending: str, source: Source, limit: int) -> list[_Reader]:
    """The ways to read a file, the fastest first; each but the last may find the file not clean
    enough for it."""
    if ending == ".parquet":
        return [
            lambda writer: parquet_files.read_whole([writer], [path], limit=limit),
            partial(parquet_files.read_by_row_group, path=path, limit=limit),
        ]
    stream = ByteStream(path)
    if ending.startswith(".jsonl"):
        return [partial(jsonl_files.read, stream=stream, limit=limit)]
    layout = csv_files.layout_of(stream, source, limit)
    exactly = partial(csv_files.read_exactly, stream=stream, layout=layout, limit=limit)
    if path.stat().st_size <= (SMALL_BYTES // 8 if stream.is_gzip else SMALL_BYTES):
        return [exactly]
    return [partial(csv_files.read_fast, stream=stream, layout=layout, limit=limit), exactly]


def _clear(scratch: Path) -> None:
    for left in scratch.glob(f"{SCRATCH_PREFIX}*"):
        shutil.rmtree(left)
