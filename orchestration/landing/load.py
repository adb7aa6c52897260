"""Loading: each content once, whole files only, a note for whatever is odd.

Belongs here: what is known already, the transactions, and that a file did not change under the
reader. Not here: how a kind of file is read (its reader), or what the rows mean (dbt).

Files go into the warehouse many at a time, in one transaction: a small one would cost more than its
rows do. One that is not sound gets a transaction of its own, between those before and after it.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from orchestration.landing import parquet_files
from orchestration.landing.csv_layout import folder_columns
from orchestration.landing.file_writer import (
    CHUNK_CHARACTERS,
    CHUNK_ROWS,
    FileWriter,
    NotClean,
    finish_together,
    insert_rows,
)
from orchestration.landing.files import (
    SCRATCH_PREFIX,
    Fingerprint,
    FoundFile,
    content_hash,
    fingerprint,
    is_settled,
    local_copy,
)
from orchestration.landing.kinds import UNKNOWN_ENDING, Format, ending_of
from orchestration.landing.landed_files import LandedFile, folders_text, forget_skipped, record
from orchestration.landing.new_files import Key, NewFile, looked_into
from orchestration.landing.parquet_refusals import is_refused
from orchestration.landing.raw_tables import ensure_raw_tables
from orchestration.landing.sources import Source
from orchestration.landing.tombstones import Tombstones
from orchestration.landing.ways import Reader, readers_of

ROW_LIMIT_BYTES = 16 << 20
BATCH_BYTES = 64 << 20
BATCH_FILES = 1_000


class _ChangedWhileRead(Exception):  # noqa: N818  # the file's fault, said in its note
    pass


class _OneIsUnsound(Exception):  # noqa: N818  # no error: the files are to be read otherwise
    """Of files that are read together all before place ``at`` are sound, that one is not."""

    def __init__(self, at: int) -> None:
        self.at = at


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
    has_tables: bool = False,
) -> list[LandedFile]:
    """Load files into ``raw.<source>``, each content once.

    Killed at any point it leaves whole files only. The files are never changed.

    Args:
        con: The warehouse, outside a transaction.
        files: What to load, from ``find_files``.
        source: Whose they are.
        landed_at: When they arrive, with time zone; taken as no earlier than what landed before,
            for a clock that was set back would make new rows implausible.
        progress: Called with the outcome of each file.
        row_limit: Bytes a row may have; a longer one is set aside.
        scratch: Folder for copies of remote files (default: the system's); those a killed load left
            there are removed.
        key_file: The key by which erased people are recognised; needed once somebody was erased.
        has_tables: Whether ``ensure_raw_tables`` was called for this warehouse already.

    Returns:
        One outcome a file, in order. A file that cannot be read is refused in it.

    Raises:
        ValueError: ``landed_at`` has no time zone.
        ComebackError: Somebody was erased, and ``key_file`` does not hold the key.
        duckdb.Error: The warehouse cannot be written; files loaded before stay loaded.
    """
    if landed_at.tzinfo is None:
        raise ValueError("landed_at needs a time zone: pass an aware datetime")
    if not has_tables:
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
        files = con.execute(
            "select content_hash, folders, load_id, file, skipped_reason from raw.files"
            " where source = ? order by load_id",
            [source.name],
        ).fetchall()
        self.loads: dict[Key, int] = {
            (digest, folders): load for digest, folders, load, _, reason in files if not reason
        }
        # under another name it may be read, and under its own if an older version knew no reader
        self.skipped = {
            (file, digest): load
            for digest, _, load, file, reason in files
            if reason and not (reason == UNKNOWN_ENDING.reason and ending_of(file))
        }
        self.names_skipped = {file for *_, file, reason in files if reason}
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
        batch: list[NewFile | LandedFile] = []
        byte_size = 0
        with ExitStack() as copies:
            for file in files:
                one = self._look(file, copies)
                batch.append(one)
                byte_size += one.before.byte_size if isinstance(one, NewFile) else 0
                if len(batch) >= BATCH_FILES or byte_size >= BATCH_BYTES:
                    yield from self._land(batch)
                    batch, byte_size = [], 0
                    copies.close()
            yield from self._land(batch)

    def _look(self, file: FoundFile, copies: ExitStack) -> NewFile | LandedFile:
        """Whether the file is known; a copy that it takes lives as long as ``copies``."""
        try:
            before = fingerprint(file)
            folders = folder_columns(file.name)
            seen, digest = self.seen.get(file.address, (None, ""))
            if seen == before and self._load_of(file, digest, folders):
                return self._known(file, before, digest, folders)
            if file.skip:
                said = f"{file.skip.reason}:{before.version}"
                digest = hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()
                return NewFile(file, Path(file.address), before, False, digest, {}, file.skip)
            path = copies.enter_context(local_copy(file, self.scratch))
            one = NewFile(file, path, before, is_settled(file), content_hash(path), folders)
            if self._load_of(file, one.digest, folders):
                return one
            return looked_into(one, self.scratch, copies)
        except OSError as error:
            return self._unreadable(file, error)

    def _load_of(self, file: FoundFile, digest: str, folders: dict[str, str]) -> int | None:
        """The load that holds a content already, or that skipped it under this name."""
        return (
            self.loads.get((digest, folders_text(folders)))
            or self.loads.get((digest, None))
            or self.skipped.get((file.name, digest))
        )

    def _land(self, batch: list[NewFile | LandedFile]) -> Iterator[LandedFile]:
        firsts: dict[Key, NewFile] = {}
        for one in batch:
            if isinstance(one, NewFile) and not self._load_of(one.file, one.digest, one.folders):
                firsts.setdefault(one.key, one)
        outcomes = self._land_together(list(firsts.values()))
        for one in batch:
            if isinstance(one, LandedFile):
                yield one
            elif firsts.get(one.key) is one:
                yield next(outcomes)
            else:
                yield self._land_alone(one)
        self._remember(batch)

    def _land_together(self, new: list[NewFile]) -> Iterator[LandedFile]:
        """Load files, in one transaction as far as they are sound; their outcomes in order."""
        while new:
            try:
                with self._transaction():
                    outcomes = self._read_together(new)
            except _OneIsUnsound as error:
                yield from self._land_together(new[: error.at])
                yield self._land_alone(new[error.at])
                new = new[error.at + 1 :]
            except (NotClean, OSError):  # of Parquet files, which one is not known
                if len(new) == 1:
                    yield self._land_alone(new[0])
                    return
                half = len(new) // 2
                yield from self._land_together(new[:half])
                new = new[half:]
            else:
                for one, outcome in zip(new, outcomes, strict=True):
                    self._loaded(one, outcome)
                yield from outcomes
                return

    def _read_together(self, new: list[NewFile]) -> list[LandedFile]:
        first = self._next_load_id()
        pairs = [(one, self._writer(load_id)) for load_id, one in enumerate(new, start=first)]
        parquet = [
            (writer, one.unpacked or one.path, one.folders)
            for one, writer in pairs
            if one.kind is Format.PARQUET and not is_refused(writer, one.unpacked or one.path)
        ]
        if parquet:
            parquet_files.read_whole(*zip(*parquet, strict=True), limit=self.row_limit)
        held: list[FileWriter] = []
        rows = characters = 0
        for at, (one, writer) in enumerate(pairs):
            if one.kind is not Format.PARQUET:
                with _pointing_at(at):
                    self._readers_of(one)[0](writer)
            held.append(writer)
            rows, characters = rows + writer.rows_held, characters + writer.characters_held
            if rows >= CHUNK_ROWS or characters >= CHUNK_CHARACTERS:
                finish_together(held)
                held.clear()
                rows = characters = 0
        finish_together(held)
        outcomes = []
        for at, (one, writer) in enumerate(pairs):
            with _pointing_at(at):
                outcomes.append(self._outcome(one, writer))
        self._record(new, outcomes)
        return outcomes

    def _land_alone(self, one: NewFile) -> LandedFile:
        if self._load_of(one.file, one.digest, one.folders):
            return self._known(one.file, one.before, one.digest, one.folders)
        try:
            outcome = self._read_alone(one)
        except _ChangedWhileRead:
            note = "the file changed while it was read; it will be tried again when it rests"
            return LandedFile(self.source.name, one.file.name, "refused", note=note)
        except OSError as error:
            return self._unreadable(one.file, error)
        self._loaded(one, outcome)
        return outcome

    def _loaded(self, one: NewFile, outcome: LandedFile) -> None:
        if outcome.skipped_reason:
            self.skipped[outcome.file, one.digest] = outcome.load_id
            self.names_skipped.add(outcome.file)
        else:
            self.loads[one.key] = outcome.load_id

    def _readers_of(self, one: NewFile) -> list[Reader]:
        path, name = one.unpacked or one.path, one.file.name
        return readers_of(path, one.kind, name, one.folders, self.source, self.row_limit)

    def _read_alone(self, one: NewFile) -> LandedFile:
        for read in self._readers_of(one):
            with suppress(NotClean), self._transaction():
                writer = self._writer(self._next_load_id())
                read(writer)
                writer.finish()
                outcome = self._outcome(one, writer)
                self._record([one], [outcome])
                return outcome
        raise AssertionError("the last way of reading takes every file")

    def _next_load_id(self) -> int:
        query = "select coalesce(max(load_id), 0) + 1 from raw.files"
        return self.con.execute(query).fetchall()[0][0]

    def _writer(self, load_id: int) -> FileWriter:
        return FileWriter(self.con, self.source, load_id, self.tombstones)

    def _outcome(self, one: NewFile, writer: FileWriter) -> LandedFile:
        """What became of a file that was read to its end, unless it changed meanwhile."""
        if not writer.rows_read and not writer.skipped_reason:
            writer.note("the file holds no rows")
        if fingerprint(one.file) != one.before:
            raise _ChangedWhileRead
        if not one.file.skip and content_hash(one.path) != one.digest:
            raise _ChangedWhileRead
        return LandedFile(
            source=self.source.name,
            file=one.file.name,
            status="skipped" if writer.skipped_reason else "loaded",
            content_hash=one.digest,
            byte_size=one.before.byte_size,
            load_id=writer.load_id,
            rows_read=writer.rows_read,
            rows_unreadable=writer.rows_unreadable,
            rows_repaired=writer.rows_repaired,
            note="; ".join(writer.notes) or None,
            skipped_reason=writer.skipped_reason,
            delimiter=writer.delimiter,
        )

    def _record(self, new: list[NewFile], outcomes: list[LandedFile]) -> None:
        """Write the rows about files, in the caller's transaction."""
        files = [(each, folders_text(one.folders)) for one, each in zip(new, outcomes, strict=True)]
        record(self.con, self.landed_at, files)
        if replaced := self.names_skipped.intersection(each.file for each in outcomes):
            forget_skipped(self.con, self.source.name, [*replaced], outcomes[0].load_id)

    def _remember(self, batch: list[NewFile | LandedFile]) -> None:
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
            if isinstance(one, NewFile)
            and one.is_settled
            and self._load_of(one.file, one.digest, one.folders)
        }
        insert_rows(self.con, "insert or replace into raw.seen_files", [*rows.values()])

    def _known(
        self, file: FoundFile, before: Fingerprint, digest: str, folders: dict[str, str]
    ) -> LandedFile:
        load_id, name = self._load_of(file, digest, folders), self.source.name
        return LandedFile(name, file.name, "known", digest, before.byte_size, load_id)

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


@contextmanager
def _pointing_at(at: int) -> Iterator[None]:
    try:
        yield
    except (NotClean, _ChangedWhileRead, OSError) as error:
        raise _OneIsUnsound(at) from error


def _clear(scratch: Path) -> None:
    for left in scratch.glob(f"{SCRATCH_PREFIX}*"):
        shutil.rmtree(left)
