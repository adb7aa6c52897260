"""Who must not come back: the tombstones of erased people, and finding the rows that name them.

Belongs here: the table ``raw.tombstones``, the keyed hash that it holds instead of ids, and whether
a row or a text names somebody in it. Not here: whom an erasure concerns, or what is removed of rows
that have landed; that is ``orchestration.privacy.erasure``.

A row names a person if a column that the source's yml marks ``identity: visitor`` or ``identity:
user`` holds the id, or holds it at the path that is given there, however it is written (``ids``).
A text that is no record names a person if
the id stands in it as a word. A row that had to go without naming anybody (somebody's visit to a
shared device before the login) has a tombstone of its own: that of the event, by what makes two
rows the same event, its id (``identity: event``) or else its content. In another form it is known
by that of its moment, once it is read (``privacy.returned``).
"""

import hmac
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, Self

import duckdb

from ml.keys import key_id
from orchestration.ground.errors import ComebackError
from orchestration.ground.files import replace_file
from orchestration.ground.rule_macros import user_as_visitor
from orchestration.ground.sql import literal, quoted
from orchestration.landing.addresses import define_address_keys
from orchestration.landing.escapes import readings
from orchestration.landing.ids import known_id
from orchestration.landing.sources import Source

Kind = Literal["visitor", "user", "row", "email", "phone", "device", "moment"]
"""``device``: one that somebody erased shared with others; ``moment``: device, instant and type."""

DETAIL = "the row names somebody who was erased"

WORD = "A-Za-z0-9_-"
"""Characters of a regular expression's class; an id with one of them beside it is another id."""

# Kinds of which the id itself stands in texts.
_TEXTS = ("visitor", "user", "email")
# How an address is compared. A country that stands beside a number is not looked at: the number
# without it has a tombstone of its own.
_KEYS = {"email": "email_key({})", "phone": "phone_key({}, '')"}
# As they were delivered, and what is known of them since the hour before.
_PROFILES, _SETTLED = "profiles", "profile_versions"
_BLOCK_BYTES = 64  # of SHA-256, to which HMAC pads its key
_WORD_START = re.compile(f"(?<![{WORD}])(?=.)", re.DOTALL)
_IN_WORD = re.compile(f"[{WORD}]")


@dataclass(frozen=True)
class Tombstones:
    """Whoever was erased, by keyed hash, for one look at delivered rows.

    Attributes:
        key: The key of the hash.
        kinds: What there are tombstones of.
        hashes: Hashes of visitors and users.
        lengths: Lengths in characters that their ids had.
        has_profiles: Whether it is known of profiles whose they are and by which addresses.
    """

    key: bytes = field(repr=False)
    kinds: frozenset[Kind]
    hashes: frozenset[str]
    lengths: tuple[int, ...]
    has_profiles: bool = False

    @classmethod
    def load(cls, con: duckdb.DuckDBPyConnection, key_file: Path | None) -> Self | None:
        """Read the tombstones, and make SQL on this connection know the keyed hash.

        Returns:
            None while nobody was erased.

        Raises:
            ComebackError: There are tombstones, but not the key that they were made with.
        """
        rows = con.execute("select kind, hash, length, key_id from raw.tombstones").fetchall()
        if not rows:
            return None
        key = read_key(key_file) if key_file else None
        if key is None or any(row[3] != key_id(key) for row in rows):
            raise ComebackError(
                "people were erased, but the key that recognises them is not the one it was",
                str(key_file),
                "restore the file from a backup: without it they would come back",
            )
        define_keyed_hash(con, key)
        named = [row for row in rows if row[0] in _TEXTS]
        lengths = tuple(sorted({row[2] for row in named}))
        kinds = frozenset(row[0] for row in rows)
        if kinds & _KEYS.keys():
            define_address_keys(con)
        has_profiles = con.execute(
            "select 1 from duckdb_tables() where database_name = current_database()"
            f" and schema_name = 'vault' and table_name = '{_SETTLED}'"
        ).fetchall()
        hashes = frozenset(row[1] for row in named)
        return cls(key, kinds, hashes, lengths, bool(has_profiles))

    def condition(self, source: Source, *, is_back: bool = True) -> str:
        """SQL on the connection of ``load``: whether a row of the source's columns must not
        land.

        Args:
            source: Whose rows they are.
            is_back: Whether an address that a profile has again is nobody's who was erased. To look
                that up among a million profiles takes a second: without, it may be asked first
                whether there is any row to look up.
        """
        visitor = visitor_of(source)
        tests = {
            "visitor": [visitor],
            "user": [user_of(source)],
            "row": [event_of(source)],
            # whose id a row names, his it is, whoever had the address before
            **{
                kind: [
                    f"case when {visitor} is null"
                    f" and not {self._is_known(source, text, key) if is_back else 'false'}"
                    f" then {key} end"
                    for text, key in zip(
                        _known(source, kind), address_keys(source, kind), strict=True
                    )
                ]
                for kind in _KEYS
            },
        }
        found = [
            f"coalesce(keyed_hash('{kind}', {test}) in"
            f" (select hash from raw.tombstones where kind = '{kind}'), false)"
            for kind in sorted(self.kinds & tests.keys())
            for test in tests[kind]
        ]
        return " or ".join(found) or "false"

    def _is_known(self, source: Source, address: str, key: str) -> str:
        """SQL: whether a profile that landed since has an address: then what is said of it, such as
        a no, is said of whoever has it now.

        Of profiles of this very hour only one that has it to the letter, but for case and blanks:
        keys would have to be made of all of them.
        """
        # a profile without an id says nothing anyway, and to ask takes as long as there are many
        if source.name == _PROFILES:
            return "false"
        plain = "lower(regexp_replace({}, '\\s', '', 'g'))"
        landed = " union all ".join(
            f"select {plain.format(name)} from vault.{_PROFILES} where {name} is not null"
            for name in _KEYS
        )
        is_known = f"coalesce({plain.format(address)} in ({landed}), false)"
        if not self.has_profiles:
            return is_known
        keys = f"select email_key from vault.{_SETTLED} where email_key is not null"
        return f"({is_known} or coalesce({key} in ({keys}), false))"

    def names(self, text: str) -> bool:
        """Whether the id of somebody erased stands in the text as a word, escaped or not."""
        return any(map(self._names, readings(text)))

    def _names(self, text: str) -> bool:
        for start in (match.start() for match in _WORD_START.finditer(text)):
            for length in self.lengths:
                end = start + length
                if end > len(text):
                    break
                if _IN_WORD.match(text, end):
                    continue
                word = text[start:end]
                hashes = [keyed_hash(self.key, kind, word) for kind in ("visitor", "user")]
                if "email" in self.kinds:
                    hashes.append(keyed_hash(self.key, "email", word.lower()))
                if not self.hashes.isdisjoint(hashes):
                    return True
        return False


def read_key(key_file: Path) -> bytes | None:
    """The key of the hash; None if the file is not there."""
    try:
        return key_file.read_bytes()
    except FileNotFoundError:
        return None


def keyed_hash(key: bytes, kind: Kind, text: str) -> str:
    """HMAC-SHA256 of an id of a kind, in hex."""
    return hmac.digest(key, f"{kind}:{text}".encode(), "sha256").hex()


def define_keyed_hash(con: duckdb.DuckDBPyConnection, key: bytes) -> None:
    """Give SQL on this connection the macro ``keyed_hash(kind, text)``, equal to ``keyed_hash``.

    The key is in variables of the connection, so it stands in no SQL text that an error may show.
    """
    padded = key.ljust(_BLOCK_BYTES, b"\0")
    con.execute("set variable erasure_inner = ?", [bytes(byte ^ 0x36 for byte in padded)])
    con.execute("set variable erasure_outer = ?", [bytes(byte ^ 0x5C for byte in padded)])
    con.execute(
        "create or replace temp macro keyed_hash(kind, content) as sha256(getvariable("
        "'erasure_outer') || unhex(sha256(getvariable('erasure_inner') ||"
        " encode(kind || ':' || content))))"
    )


def add_tombstones(
    con: duckdb.DuckDBPyConnection, key: bytes, kind: Kind, ids: Iterable[str], erased_at: datetime
) -> None:
    """Set tombstones for visitors or users; those that are there stay."""
    for id_ in ids:
        con.execute(
            "insert or ignore into raw.tombstones values (?, ?, ?, ?, ?)",
            [kind, keyed_hash(key, kind, id_), len(id_), key_id(key), erased_at],
        )


def keep_copy(con: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Write all tombstones to a file, for a warehouse that has to be rebuilt.

    To be called before the transaction that set them is committed: the file may know of one more
    than the table, never of one less.
    """
    rows = con.execute(
        "select kind, hash, length, key_id, erased_at::varchar from raw.tombstones order by all"
    ).fetchall()
    replace_file(file, json.dumps(rows).encode(), mode=0o600)


def restore_copy(con: duckdb.DuckDBPyConnection, file: Path, key_file: Path) -> None:
    """Set all tombstones that a file holds; none if nobody was ever erased.

    Raises:
        ComebackError: Somebody was erased, for there is a key, but the file is gone or damaged.
    """
    if not key_file.exists():
        return
    try:
        rows = json.loads(file.read_bytes())
    except (FileNotFoundError, ValueError):
        raise ComebackError(
            "people were erased, but the copy of their tombstones is gone or damaged",
            str(file),
            "restore the file from a backup: without it they would come back",
        ) from None
    for row in rows:
        con.execute("insert or ignore into raw.tombstones values (?, ?, ?, ?, ?)", row)


def visitor_of(source: Source) -> str:
    """SQL for the visitor that a row of the source is of, as the log has it; null for nobody."""
    ids = [
        *_known(source, "visitor"),
        *(user_as_visitor(each) for each in _known(source, "user")),
    ]
    return f"coalesce({', '.join(ids)})" if ids else "cast(null as varchar)"


def user_of(source: Source) -> str:
    """SQL for the user that a row of the source names; null for nobody."""
    return declared_id(source, "user")


def declared_id(source: Source, kind: str) -> str:
    """SQL for the id of a kind that a row of the source names; null for nobody."""
    ids = _known(source, kind)
    return f"coalesce({', '.join(ids)})" if ids else "cast(null as varchar)"


def event_of(source: Source) -> str:
    """SQL for what makes two rows of the source one event: its id, else all that the row says."""
    columns = [*source.column_names, "_extra"]
    content = ", ".join(f"'{name}=' || {quoted(name)}" for name in columns)
    ids = _known(source, "event")
    parts = ", ".join([*ids, f"concat_ws(chr(31), {content})"])
    return f"'{source.name}' || chr(31) || coalesce({parts})"


def address_keys(source: Source, kind: str) -> list[str]:
    """SQL for the keys of the addresses in a row, of kind ``email`` or ``phone``, on a connection
    with ``define_address_keys``."""
    return [_KEYS[kind].format(each) for each in _known(source, kind)]


def _known(source: Source, kind: str) -> list[str]:
    return [
        known_id(_id_text(column, path), source.placeholders) for column, path in source.ids(kind)
    ]


def _id_text(column: str, path: str | None) -> str:
    if path is None:
        return quoted(column)
    return f"json_extract_string(try_cast({quoted(column)} as json), {literal(path)})"
