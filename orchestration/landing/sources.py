"""Source definitions: the columns of each ``raw`` table, read from the dbt project's own yml files.

One file declares a source for dbt and for landing alike, so the two cannot disagree. Belongs here:
reading and checking those files, and finding the declared column a delivered name stands for. Not
here: opening a file of data.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from orchestration.ground.errors import ComebackError, WrongUsage
from orchestration.ground.yml import parsed_yml
from orchestration.landing.signatures import Signature, load_signatures, name_key, parsed_signatures

RAW_SCHEMA, VAULT_SCHEMA = "raw", "vault"
LANDING_TABLES = (
    *("files", "unreadable_rows", "repaired_rows", "seen_files", "tombstones"),
    *("people_rows", "people_set_aside", "expired_rows", "passed_files", "stripped_rows"),
)
IDENTITIES = ("visitor", "user", "event", "email", "phone")
ESCAPES = ("quote", "backslash", "none")
DECIMALS = ("point", "comma")
EVENTS, RATES, SALES, PEOPLE = "events", "rates", "sales", "people"
# What is nobody's, so that nobody is erased from it.
IMPERSONAL = (RATES, SALES)

# as files of shops may still have it
_FORMER_SIGNATURE = "look"
_JSON_PATH = re.compile(r"\$(\.[A-Za-z_$][\w$]*|\.\"[^\"']+\"|\[\d+\])+")
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Column:
    """A declared column of a source.

    Attributes:
        name: Its name in the raw table.
        aliases: Other names under which it is delivered.
        is_required: Whether an event can start from it.
        identities: Whose ids it holds, of ``visitor``, ``user`` and ``event`` (of people also
            ``email`` and ``phone``), each with the JSON path at which it stands in the column; None
            where the column is the id.
        is_time: Whether it is the time of the event.
        is_type: Whether it is the word for what happened.
        is_json: Whether it holds JSON, which the raw table packs tighter.
    """

    name: str
    aliases: tuple[str, ...] = ()
    is_required: bool = False
    identities: tuple[tuple[str, str | None], ...] = ()
    is_time: bool = False
    is_type: bool = False
    is_json: bool = False


@dataclass(frozen=True)
class Source:
    """One kind of dump.

    Attributes:
        name: The source's name, also that of its table in ``raw``.
        columns: The declared columns in table order.
        header: Delivered order of columns, for CSV files without a header line; may be empty.
        zone: IANA zone of times delivered without one.
        escape: What stands before a quote within a quoted field of a CSV file: a ``quote``, or a
            ``backslash`` (before a backslash too). With ``none`` a quote is a letter in a file
            without a header line.
        signatures: The signatures of all sources that are known, its own among them.
        placeholders: The shop's own words for ids that mean nobody: a setting, not in the yml.
        holds: What a row is: one of ``events``, of ``rates`` of exchange or of the ``sales`` of
            the shop's calendar, which are nobody's, or of what is known of ``people``, which is
            kept apart in the schema ``vault``.
        decimal: How its texts write decimals, with a ``point`` or a ``comma``; its numbers, of JSON
            and Parquet, have points.
    """

    name: str
    columns: tuple[Column, ...]
    header: tuple[str, ...] = ()
    zone: str = "UTC"
    escape: str = "quote"
    signatures: tuple[Signature, ...] = ()
    placeholders: tuple[str, ...] = ()
    holds: str = EVENTS
    decimal: str = "point"

    @property
    def is_private(self) -> bool:
        """Whether no text of its rows may stand anywhere but in its table."""
        return self.holds == PEOPLE

    @property
    def has_commas(self) -> bool:
        """Whether its texts have decimal commas."""
        return self.decimal == "comma"

    @property
    def schema(self) -> str:
        """The schema of its table."""
        return VAULT_SCHEMA if self.is_private else RAW_SCHEMA

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        """Names of the declared columns in table order."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def spellings(self) -> frozenset[str]:
        """All names of the declared columns, as the yml file spells them."""
        return frozenset(name for column in self.columns for name in (column.name, *column.aliases))

    @cached_property
    def required_names(self) -> frozenset[str]:
        """Columns of which a file must hold at least one to be this source's."""
        return frozenset(column.name for column in self.columns if column.is_required)

    def ids(self, kind: str) -> list[tuple[str, str | None]]:
        """Where ids of a kind stand, one of ``IDENTITIES``: columns in table order, each with the
        JSON path in it, or None."""
        return [
            (column.name, path)
            for column in self.columns
            for each, path in column.identities
            if each == kind
        ]

    @cached_property
    def person_columns(self) -> frozenset[str]:
        """Columns of which the whole value is the id of a visitor or a user."""
        ids = self.ids("visitor") + self.ids("user")
        return frozenset(name for name, path in ids if path is None)

    @cached_property
    def time_name(self) -> str | None:
        """The column that holds the time of an event: the one that is marked, else the required one
        that ``timestamp`` or ``time`` is a name of."""
        marked = [column.name for column in self.columns if column.is_time]
        return next(iter([*marked, *self._required("timestamp", "time", "event_at")]), None)

    @cached_property
    def type_names(self) -> list[str]:
        """The columns of which the first that has a value is the word for what happened: those that
        are marked, the last first, else the required one that ``event_type``, ``event_name`` or
        ``event`` is a name of."""
        marked = [column.name for column in reversed(self.columns) if column.is_type]
        return marked or self._required("event_type", "event_name", "event")[:1]

    def _required(self, *names: str) -> list[str]:
        """The required columns that these are names of."""
        targets = [self.target(name) for name in names]
        return [each[0] for each in targets if each and each[0] in self.required_names]

    @cached_property
    def _targets(self) -> dict[str, tuple[str, int]]:
        targets: dict[str, tuple[str, int]] = {}
        for column in self.columns:
            for rank, name in enumerate((column.name, *column.aliases)):
                earlier = targets.setdefault(name_key(name), (column.name, rank))
                if earlier[0] != column.name:
                    raise ComebackError(
                        f"the name {name!r} stands for {earlier[0]} and for {column.name}",
                        f"source {self.name}",
                        "take it from one of them",
                    )
        return targets

    def target(self, delivered: str) -> tuple[str, int] | None:
        """The declared column a delivered name stands for, and its rank: 0 the name itself, then
        the aliases.

        Case, spaces, ``-`` and ``_`` do not count: ``clientId``, ``Client ID`` and ``client_id``
        are one name.
        """
        return self._targets.get(name_key(delivered))

    def knows(self, delivered: Sequence[str]) -> int:
        """How many declared columns a list of delivered names covers."""
        return len({target[0] for name in delivered if (target := self.target(name))})

    def accepts(self, delivered: Sequence[str]) -> bool:
        """Whether at least one of the names is that of a required column."""
        return any(
            (target := self.target(name)) and target[0] in self.required_names for name in delivered
        )

    def refusal(self, delivered: Sequence[str]) -> str:
        """Why a file with these columns is not this source's, in one sentence."""
        needed = ", ".join(sorted(self.required_names))
        if self.is_private:  # without a header line the names are those of a person
            return f"the columns are not those that the source {self.name} needs ({needed})"
        return (
            f"the columns ({_first_of(delivered)}) are not those that the source {self.name}"
            f" needs: {needed}"
        )


def _first_of(names: Sequence[str]) -> str:
    return ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")


def load_sources(folder: Path, more_signatures: Path | None = None) -> dict[str, Source]:
    """Read every source that the yml files of ``folder`` declare as a table of the schema ``raw``,
    or of ``vault``.

    Args:
        folder: The dbt project's ``models/staging``.
        more_signatures: A file with the signatures of sources that there are not yet.

    Returns:
        Sources by name, in order of name.

    Raises:
        ComebackError: A definition is wrong, or a source is declared twice.
    """
    sources: dict[str, Source] = {}
    for path in sorted(folder.glob("*.yml")):
        try:
            declared = parsed_yml(path.read_text(encoding="utf-8")) or {}
        except yaml.YAMLError as error:
            raise ComebackError(f"not YAML ({error})", str(path), "correct the file") from error
        for group in declared.get("sources", []):
            schema = group.get("schema", group["name"])
            if schema not in (RAW_SCHEMA, VAULT_SCHEMA):
                continue
            for table in group.get("tables", []):
                if table["name"] in LANDING_TABLES:
                    continue
                source = _source(table, path)
                if source.schema != schema:
                    raise ComebackError(
                        f"the source {source.name} holds {source.holds}, in the schema {schema}",
                        str(path),
                        f"declare it in the schema {source.schema}",
                    )
                if source.name in sources:
                    raise ComebackError(
                        f"the source {source.name} is declared twice", str(path), "delete one"
                    )
                sources[source.name] = source
    signatures = [each for source in sources.values() for each in source.signatures]
    signatures += load_signatures(more_signatures) if more_signatures else ()
    return {name: replace(sources[name], signatures=tuple(signatures)) for name in sorted(sources)}


def source_named(sources: Mapping[str, Source], name: str) -> Source:
    """The source of that name.

    Raises:
        WrongUsage: There is none; the message names those there are.
    """
    try:
        return sources[name]
    except KeyError:
        known = ", ".join(sorted(sources)) or "none"
        raise WrongUsage(
            f"no source {name!r}", f"known sources: {known}", "name one of them"
        ) from None


def _source(table: Mapping[str, Any], path: Path) -> Source:
    name = table["name"]
    meta = table.get("config", {}).get("meta", {})
    columns = tuple(_column(column) for column in table.get("columns", []))
    where = f"source {name} in {path}"
    source = Source(
        name,
        columns,
        tuple(meta.get("header", ())),
        meta.get("zone", "UTC"),
        meta.get("escape", "quote"),
        parsed_signatures(name, meta.get("signature", meta.get(_FORMER_SIGNATURE)), where),
        holds=meta.get("holds", EVENTS),
        decimal=meta.get("decimal", "point"),
    )
    for identifier in (name, *source.column_names):
        if not _IDENTIFIER.fullmatch(identifier):
            raise ComebackError(
                f"{identifier!r} names no table or column", where, "use a-z, 0-9 and _"
            )
    if not source.required_names:
        raise ComebackError(
            "no column is required", where, "mark visitor, user, time and type `required: true`"
        )
    for column in source.columns:
        for kind, path in column.identities:
            if kind not in IDENTITIES:
                raise ComebackError(
                    f"the column {column.name} identifies a {kind!r}",
                    where,
                    f"use one of: {', '.join(IDENTITIES)}",
                )
            if path is not None and not _JSON_PATH.fullmatch(path):
                raise ComebackError(
                    f"{path!r} is no path to the {kind} in the column {column.name}",
                    where,
                    "give one like $.device.id",
                )
    if source.holds not in (EVENTS, *IMPERSONAL, PEOPLE):
        raise ComebackError(
            f"{source.holds!r} is nothing that a row can be",
            where,
            f"use {EVENTS}, {', '.join(IMPERSONAL)} or {PEOPLE}",
        )
    if source.holds not in IMPERSONAL and not source.ids("visitor") + source.ids("user"):
        raise ComebackError(
            "no column says whose a row is, so nobody could be erased",
            where,
            "mark the ids of people `identity: visitor` or `identity: user`",
        )
    if len(set(source.column_names)) < len(columns):
        raise ComebackError("a column is declared twice", where, "delete one")
    if source.decimal not in DECIMALS:
        raise ComebackError(
            f"{source.decimal!r} is no decimal sign", where, f"use one of: {', '.join(DECIMALS)}"
        )
    if unknown := set(source.header) - set(source.column_names):
        names = ", ".join(sorted(unknown))
        raise ComebackError(f"the header names undeclared columns: {names}", where, "declare them")
    if source.escape not in ESCAPES:
        raise ComebackError(
            f"{source.escape!r} is no escape", where, f"use one of: {', '.join(ESCAPES)}"
        )
    try:
        ZoneInfo(source.zone)
    except (KeyError, ValueError, OSError):
        raise ComebackError(
            f"{source.zone!r} is no time zone", where, "use one like Europe/Berlin"
        ) from None
    source.target("")  # two columns that claim one name are found now, not with the first file
    return source


def _identities(declared: object) -> tuple[tuple[str, str | None], ...]:
    """`visitor` is the column itself, `{visitor: $.device}` a text in the JSON that it holds; of
    several paths the first that has an id counts."""
    if declared is None:
        return ()
    if isinstance(declared, Mapping):
        return tuple(
            (str(kind), str(path))
            for kind, paths in declared.items()
            for path in (paths if isinstance(paths, list) else [paths])
        )
    return ((str(declared), None),)


def _column(column: Mapping[str, Any]) -> Column:
    meta = column.get("config", {}).get("meta", {})
    return Column(
        column["name"],
        tuple(meta.get("aliases", ())),
        bool(meta.get("required", False)),
        _identities(meta.get("identity")),
        bool(meta.get("time", False)),
        bool(meta.get("type", False)),
        bool(meta.get("json", False)),
    )
