"""The search for residue that proves an erasure: the ids of people and of their carts, through all
that Comeback made.

Belongs here: every text column of both databases, and the bytes of every file under the home
folder. Not here: the erasing (`erasure`). The shop's own dumps are not searched: `landing/`, the
configured folders, and any file whose content is one that landed.

Bytes alone prove little: a database compresses its text, and the bytes of `visitor-1` are also in
those of `visitor-10`. So columns are asked for the id as a word, and bytes found in a file count
unless they lie within a word that still stands in a column, somebody else's id or an item's. An id
that is escaped there (`escapes`) counts as a word.
"""

import mmap
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice
from pathlib import Path

import duckdb

from ml.features import USER_PREFIX
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.ground.sql import literal, quoted
from orchestration.landing import simulated_shop
from orchestration.landing.escapes import (
    begins_word,
    escaped_or_not,
    is_escapable,
    masked,
    plain_parts,
)
from orchestration.landing.files import content_hash
from orchestration.landing.locations import configured_locations, known_sources
from orchestration.landing.tombstones import WORD
from orchestration.privacy.erasure import is_unmistakable, words_match
from orchestration.privacy.erasure_records import PENDING
from orchestration.warehouse import database

# Fewer bytes than these come about by chance in numbers and hashes.
SEARCHABLE_BYTES = 8

# Bytes that a character takes where it is escaped several times over.
_LONGEST_ESCAPE = 32
# as `started_id` makes them; a file may have letters of its own beside one
_HASH = re.compile(rb"(?=([0-9a-f]{32}))")
_PERSON_COLUMNS = frozenset({"visitor_id", "user_id", "owner_id", "person_id"})


@dataclass(frozen=True)
class SearchResult:
    """What the search found.

    Attributes:
        found: places where an id still is, none of which there may be.
        ambiguous: places where the same text is, but need not mean the person.
        files: files searched.
        bytes: bytes in them.
        columns: columns searched.
    """

    found: Sequence[str]
    ambiguous: Sequence[str]
    files: int
    bytes: int
    columns: int


def search(
    home: Home, settings: Settings, ids: Sequence[str], carts: Collection[str] = ()
) -> SearchResult:
    """Look for ids everywhere but in the shop's own dumps.

    Args:
        home: whose state; no connection to its warehouse may be open.
        settings: what the shop has set.
        ids: ids as they were delivered.
        carts: ids of carts, which are hashes: they mean nothing else.
    """
    found, ambiguous, columns = [], [], 0
    persons = _person_columns(home)
    for name, path in _databases(home).items():
        with _opened(home, settings, path) as connection:
            for table, texts in _text_columns(connection).items():
                columns += len(texts)
                for column in _columns_with(connection, table, texts, ids):
                    is_theirs = _means_person(connection, table, column, ids, persons)
                    (found if is_theirs else ambiguous).append(f"{name} {table}.{column}")
                found += [
                    f"{name} {table}.{column}"
                    for column in _columns_with(connection, table, texts, sorted(carts))
                ]
    paths = list(_made_files(home, settings))
    searchable = [each for each in ids if len(each.encode()) >= SEARCHABLE_BYTES]
    if len(searchable) < len(ids):
        ambiguous.append("bytes of files: an id is too short for its bytes to mean a person")
    for id_, suspects in _suspects(paths, searchable).items():
        found += _files_with(home, settings, suspects, id_, ids)
    found += [each.relative_to(home.root).as_posix() for each in files_with_carts(paths, carts)]
    return SearchResult(
        found=sorted(set(found)),
        ambiguous=sorted(set(ambiguous)),
        files=len(paths),
        bytes=sum(path.stat().st_size for path in paths),
        columns=columns,
    )


def _databases(home: Home) -> dict[str, Path]:
    databases = {"warehouse": home.warehouse, "published": home.published}
    return {name: path for name, path in databases.items() if path.exists()}


def _opened(home: Home, settings: Settings, path: Path) -> duckdb.DuckDBPyConnection:
    if path == home.warehouse:
        return database.connect(home, settings)
    return duckdb.connect(str(path), read_only=True)


def _person_columns(home: Home) -> set[str]:
    sources = known_sources(home).values()
    return _PERSON_COLUMNS.union(*(source.person_columns for source in sources))


def _text_columns(connection: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """By table, the columns that hold text; views hold nothing of their own."""
    rows = connection.execute(
        "select schema_name, table_name, list(column_name order by column_index)"
        " from duckdb_columns() semi join duckdb_tables()"
        " using (database_name, schema_name, table_name)"
        " where database_name = current_database() and data_type like '%VARCHAR%'"
        " group by all order by all"
    ).fetchall()
    return {f"{schema}.{quoted(table)}": columns for schema, table, columns in rows}


def _columns_with(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], ids: Sequence[str]
) -> list[str]:
    """The columns of a table in which one of the ids stands as a word."""
    if not ids or not connection.execute(f"select 1 from {table} limit 1").fetchall():
        return []
    # to look into each column costs an expression of all ids each, and hardly any has one
    row = f"concat_ws(chr(31), {', '.join(map(_text, columns))})"
    query = f"select bool_or({words_match(row, ids)}) from {table}"
    if len(columns) > 1 and not connection.execute(query).fetchall()[0][0]:
        return []
    tests = [f"bool_or({words_match(_text(column), ids)})" for column in columns]
    ((*are_in,),) = connection.execute(f"select {', '.join(tests)} from {table}").fetchall()
    return [column for column, is_in in zip(columns, are_in, strict=True) if is_in]


def _means_person(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    column: str,
    ids: Sequence[str],
    persons: set[str],
) -> bool:
    """Whether a column in which an id stands as a word has it for a person.

    One of `persons` does if a value is the id, another if the id can be nothing else.
    """
    if column in persons:
        query = (
            f"select bool_or({quoted(column)} in (select unnest(?)"
            f" union all select '{USER_PREFIX}' || unnest(?))) from {table}"
        )
        return bool(connection.execute(query, [ids, ids]).fetchall()[0][0])
    certain = [id_ for id_ in ids if is_unmistakable(id_)]
    return bool(_columns_with(connection, table, [column], certain))


def _text(column: str) -> str:
    return f"cast({quoted(column)} as varchar)"


def _made_files(home: Home, settings: Settings) -> Iterator[Path]:
    """Every file under the home folder that is not the shop's."""
    locations = configured_locations(home, settings, known_sources(home))
    folders = [home.landing, home.root / simulated_shop.TRUTH]
    folders += [Path(each.address) for each in locations if "://" not in each.address]
    # corrections are dumps, but not the shop's
    folders = [folder for folder in folders if folder != home.rectified]
    for path in sorted(home.root.rglob("*")):
        is_ours = not any(path.is_relative_to(folder) for folder in folders)
        if path.is_file() and is_ours and path != home.erasures / PENDING:
            yield path


def _suspects(paths: Iterable[Path], ids: Iterable[str]) -> dict[str, list[Path]]:
    """By id the files whose name or bytes hold it, escaped or not, on their own or within a word.

    Each file is opened once for all.
    """
    sought = [(id_, [part.encode() for part in plain_parts(id_)], _escaped(id_)) for id_ in ids]
    found: dict[str, list[Path]] = {}
    for path in paths:
        name = path.name.encode()
        with _content_of(path) as content:
            # spellings of one address have most parts in common
            holds = cache(partial(_holds, content))
            for id_, parts, escaped in sought:
                is_named = id_.encode() in name or escaped.search(name)
                is_there = all(map(holds, parts)) and (
                    holds(id_.encode()) or _matches(content, id_, escaped)
                )
                if is_named or is_there:
                    found.setdefault(id_, []).append(path)
    return found


def _holds(content: mmap.mmap | bytes, text: bytes) -> bool:
    return content.find(text) >= 0


def _files_with(
    home: Home, settings: Settings, suspects: Iterable[Path], id_: str, ids: Sequence[str]
) -> Iterator[str]:
    """Those of some files that hold the id for the person, as paths below the home folder."""
    escaped = _escaped(id_)
    namesakes, spellings = _namesakes(home, settings, id_)
    landed = _landed_contents(home, settings)
    for path in suspects:
        if content_hash(path) in landed:
            continue
        is_named = id_ in path.name or escaped.search(path.name.encode())
        with _content_of(path) as content:
            if (
                is_named
                or _holds_beyond(content, id_, namesakes)
                or _matches(content, id_, escaped, spellings)
            ):
                yield masked(path.relative_to(home.root).as_posix(), ids)


@contextmanager
def _content_of(path: Path) -> Iterator[mmap.mmap | bytes]:
    """The bytes of a file, which may be larger than the memory."""
    if not path.stat().st_size:
        yield b""
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        yield content


def _escaped(id_: str) -> re.Pattern[bytes]:
    """Finds the id as a word with some of its characters escaped; nothing where none can be."""
    if not is_escapable(id_):
        return re.compile(rb"(?!)")
    pattern = f"{begins_word(WORD)}(?!{re.escape(id_)}){escaped_or_not(id_)}(?![{WORD}])"
    return re.compile(pattern.encode())


def _matches(
    content: mmap.mmap | bytes,
    id_: str,
    escaped: re.Pattern[bytes],
    spellings: Collection[bytes] = (),
) -> bool:
    """Whether the id stands in bytes with some of its characters escaped, otherwise than in one of
    some spellings that mean somebody or something else.

    What can never be escaped stands there as it is: only around the part of the id that is rarest
    the expression is tried, which would take seconds a megabyte.
    """
    if not is_escapable(id_):
        return False
    parts = [part.encode() for part in plain_parts(id_)]
    if not parts:
        return any(found[0] not in spellings for found in escaped.finditer(content))
    places = list(_places(content, max(parts, key=len)))
    for part in parts:
        # so many at most: a name of a host is everywhere
        fewer = list(islice(_places(content, part), len(places)))
        places = fewer if len(fewer) < len(places) else places
    margin = len(id_) * _LONGEST_ESCAPE
    return any(
        found[0] not in spellings
        for at in places
        for found in escaped.finditer(content, max(at - margin, 0), min(at + margin, len(content)))
    )


def files_with_carts(paths: Iterable[Path], carts: Collection[str]) -> Iterator[Path]:
    """The files whose bytes hold the id of one of some carts: each file is read once for all."""
    wanted = {each.encode() for each in carts}
    for path in paths if wanted else ():
        if not path.stat().st_size:
            continue
        with (
            path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
        ):
            # one look for all costs as much as a hundred for one each
            if len(wanted) > 100:
                is_found = any(found[1] in wanted for found in _HASH.finditer(content))
            else:
                is_found = any(content.find(each) >= 0 for each in wanted)
            if is_found:
                yield path


def _places(content: mmap.mmap | bytes, needle: bytes) -> Iterator[int]:
    """Where a text begins in bytes."""
    at = content.find(needle)
    while at >= 0:
        yield at
        at = content.find(needle, at + 1)


def _holds_beyond(content: mmap.mmap | bytes, id_: str, namesakes: Sequence[bytes]) -> bool:
    """Whether the id stands in bytes other than within one of the words."""
    needle, margin = id_.encode(), 256
    return any(
        not any(
            _covers(content[max(at - margin, 0) : at + len(needle) + margin], word, *span)
            for word in namesakes
        )
        for at in _places(content, needle)
        for span in [(min(at, margin), min(at, margin) + len(needle))]
    )


def _covers(around: bytes, word: bytes, begin: int, end: int) -> bool:
    found = around.find(word, max(end - len(word), 0))
    while 0 <= found <= begin:
        if found + len(word) >= end:
            return True
        found = around.find(word, found + 1)
    return False


def _namesakes(home: Home, settings: Settings, id_: str) -> tuple[list[bytes], set[bytes]]:
    """What stands in any column and means somebody or something else: words that hold the id, and
    the id in spellings with escapes."""
    pattern = f"[{WORD}]*{re.escape(id_)}[{WORD}]*"
    spelled = escaped_or_not(id_)
    words: set[str] = set()
    spellings: set[str] = set()
    for path in _databases(home).values():
        with _opened(home, settings, path) as connection:
            for table, columns in _text_columns(connection).items():
                for text in map(_text, columns):
                    rows = connection.execute(
                        f"select distinct unnest(regexp_extract_all({text}, {literal(pattern)}))"
                        f" from {table} where contains({text}, {literal(id_)})"
                    ).fetchall()
                    words.update(word for (word,) in rows)
                if is_unmistakable(id_) or not is_escapable(id_):
                    continue
                for column in _columns_with(connection, table, columns, [id_]):
                    rows = connection.execute(
                        f"select distinct unnest(regexp_extract_all({_text(column)},"
                        f" {literal(spelled)})) from {table}"
                    ).fetchall()
                    spellings.update(spelling for (spelling,) in rows)
    if is_unmistakable(id_):
        words.discard(id_)
    return [word.encode() for word in sorted(words)], {each.encode() for each in spellings}


def _landed_contents(home: Home, settings: Settings) -> set[str]:
    with database.connect(home, settings) as connection:
        rows = connection.execute("select content_hash from raw.files").fetchall()
    return {hash_ for (hash_,) in rows}
