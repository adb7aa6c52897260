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
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ml.features import USER_PREFIX
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.ground.sql import literal, quoted
from orchestration.landing import simulated_shop
from orchestration.landing.escapes import begins_word, escaped_or_not, is_escapable, masked
from orchestration.landing.files import content_hash
from orchestration.landing.locations import configured_locations, known_sources
from orchestration.landing.tombstones import WORD
from orchestration.privacy.erasure import is_unmistakable, words_match
from orchestration.privacy.erasure_records import PENDING
from orchestration.warehouse import database

# Fewer bytes than these come about by chance in numbers and hashes.
SEARCHABLE_BYTES = 8

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
    for id_ in ids:
        if len(id_.encode()) < SEARCHABLE_BYTES:
            ambiguous.append("bytes of files: an id is too short for its bytes to mean a person")
            continue
        found += _files_with(home, settings, paths, id_, ids)
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
    if not ids:
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


def _files_with(
    home: Home, settings: Settings, paths: Sequence[Path], id_: str, ids: Sequence[str]
) -> Iterator[str]:
    """The files that hold the id, as paths below the home folder."""
    escaped = _escaped(id_)
    named = {path for path in paths if id_ in path.name or escaped.search(path.name.encode())}
    suspects = [
        path for path in paths if path in named or _holds(path, id_) or _matches(path, escaped)
    ]
    if not suspects:
        return
    namesakes = _namesakes(home, settings, id_)
    landed = _landed_contents(home, settings)
    for path in suspects:
        if content_hash(path) in landed:
            continue
        if path in named or _holds_beyond(path, id_, namesakes) or _matches(path, escaped):
            yield masked(path.relative_to(home.root).as_posix(), ids)


def _escaped(id_: str) -> re.Pattern[bytes]:
    """Finds the id as a word with some of its characters escaped; nothing where none can be."""
    if not is_escapable(id_):
        return re.compile(rb"(?!)")
    pattern = f"{begins_word(WORD)}(?!{re.escape(id_)}){escaped_or_not(id_)}(?![{WORD}])"
    return re.compile(pattern.encode())


def _matches(path: Path, pattern: re.Pattern[bytes]) -> bool:
    if pattern.pattern == rb"(?!)" or not path.stat().st_size:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return pattern.search(content) is not None


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


def _holds(path: Path, id_: str) -> bool:
    return next(_places(path, id_), None) is not None


def _places(path: Path, id_: str) -> Iterator[tuple[bytes, int]]:
    """Each place of the id in a file: the bytes around it, and where it begins in them."""
    needle, margin = id_.encode(), 256
    if not path.stat().st_size:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        at = content.find(needle)
        while at >= 0:
            begin = max(at - margin, 0)
            yield content[begin : at + len(needle) + margin], at - begin
            at = content.find(needle, at + 1)


def _holds_beyond(path: Path, id_: str, namesakes: Sequence[bytes]) -> bool:
    """Whether the id stands in a file other than within one of the words."""
    length = len(id_.encode())
    return any(
        not any(_covers(around, word, at, at + length) for word in namesakes)
        for around, at in _places(path, id_)
    )


def _covers(around: bytes, word: bytes, begin: int, end: int) -> bool:
    found = around.find(word, max(end - len(word), 0))
    while 0 <= found <= begin:
        if found + len(word) >= end:
            return True
        found = around.find(word, found + 1)
    return False


def _namesakes(home: Home, settings: Settings, id_: str) -> list[bytes]:
    """Words of any column that hold the id and mean somebody or something else."""
    pattern = f"[{WORD}]*{re.escape(id_)}[{WORD}]*"
    words: set[str] = set()
    for path in _databases(home).values():
        with _opened(home, settings, path) as connection:
            for table, columns in _text_columns(connection).items():
                for text in map(_text, columns):
                    rows = connection.execute(
                        f"select distinct unnest(regexp_extract_all({text}, {literal(pattern)}))"
                        f" from {table} where contains({text}, {literal(id_)})"
                    ).fetchall()
                    words.update(word for (word,) in rows)
    if is_unmistakable(id_):
        words.discard(id_)
    return [word.encode() for word in sorted(words)]


def _landed_contents(home: Home, settings: Settings) -> set[str]:
    with database.connect(home, settings) as connection:
        rows = connection.execute("select content_hash from raw.files").fetchall()
    return {hash_ for (hash_,) in rows}
