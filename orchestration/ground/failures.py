"""What a failure below us, of a disk, a folder or a damaged file, means to a person.

Belongs here: recognising such failures by their text, for DuckDB, SQLite and the system
report them as text through many layers, and the one line each becomes. Not here: catching them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestration.ground.encryption import DATABASE_KEY
from orchestration.ground.errors import ComebackError, WrongKey
from orchestration.ground.home import Home

REBUILD = "rebuild it from the kept dumps: comeback run --rebuild"
RUN_AGAIN = "then run again: what was done so far is whole"

# Up to an ending, for there may be quotes in a folder's name, and around the whole message.
_PATH = re.compile(r"""["'](/.*?\.\w+)["']""")


@dataclass(frozen=True)
class _Trouble:
    """A kind of failure: what it is, by which words it is known, and the way out of it."""

    what: str
    marks: re.Pattern[str]
    todo: str


_NO_ROOM = _Trouble(
    "there is no room to write",
    re.compile(
        "No space left on device|Disk quota exceeded|File too large|database or disk is full"
        "|disk I/O error|Could not write all bytes"
    ),
    f"free some of the disk, {RUN_AGAIN}",
)
_NOT_ALLOWED = _Trouble(
    "it may not be written to",
    re.compile(
        "Permission denied|Read-only file system|Operation not permitted|readonly database"
        "|unable to open database file"
    ),
    f"let this user write there, {RUN_AGAIN}",
)
_DAMAGE = re.compile(
    "Corrupt database file|not a valid DuckDB database|Could not read enough bytes"
    "|Failure while replaying WAL|Serialization Error"
    "|database disk image is malformed|file is not a database"
    "|Computed AES tag differs"  # behind the header, at which another key would have been noticed
)
_WRONG_KEY = "Wrong encryption key"


def explained(error: BaseException, home: Home) -> BaseException:
    """The failure that a person can act on, out of those wrapped around each other.

    Returns:
        The first `ComebackError` in the chain; else one for the first failure that is known; else
        the error as it is.
    """
    wrapped = list(chain(error))
    for each in wrapped:
        if isinstance(each, ComebackError):
            return each
    lines = (known(str(each), home, getattr(each, "filename", None)) for each in wrapped)
    return next(filter(None, lines), error)


def known(text: str, home: Home, path: str | None = None) -> ComebackError | None:
    """What a message of DuckDB, SQLite or the system means; None if nothing is known of it.

    Args:
        text: the message.
        home: whose state it is about.
        path: the file it is about; without one, the first that the message names.
    """
    if _WRONG_KEY in text:
        return WrongKey(
            "the key does not open the warehouse",
            str(home.warehouse),
            f"set {DATABASE_KEY} to the key that it was encrypted with",
        )
    if path is None and (match := _PATH.search(text)):
        path = match[1]
    # first: what fails on a full disk may sound like damage, too
    for trouble in (_NO_ROOM, _NOT_ALLOWED):
        if found := trouble.marks.search(text):
            return ComebackError(
                f"{trouble.what} ({found[0]})", str(path or home.root), trouble.todo
            )
    return _damaged(text, path, home) if _DAMAGE.search(text) else None


def _damaged(text: str, path: str | None, home: Home) -> ComebackError | None:
    if path and Path(path).suffix not in (".duckdb", ".wal"):
        return None  # a dump; landing reports those
    if "disk image" in text or "file is not a database" in text:
        return ComebackError(
            "the record of runs is damaged",
            str(home.dagster),
            "move the folder away: Dagster makes a new one, and no table is in it",
        )
    return ComebackError("the warehouse is damaged", str(home.warehouse), REBUILD)


def is_interruption(error: BaseException) -> bool:
    """Whether a failure came of a signal: Ctrl-C in the middle of an import or of a library's own
    work may come as any error, and DuckDB forgets what it was that ended its query."""
    return any(
        isinstance(each, KeyboardInterrupt)
        or (isinstance(each, RuntimeError) and str(each) == "Query interrupted")
        for each in chain(error)
    )


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """A failure and those that it was raised from, the outermost first; each once, for a failure
    that is raised again while another is handled may lead back to itself."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
