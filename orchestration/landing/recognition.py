"""Whose dumps files are, when nobody said it.

Belongs here: comparing the first rows of some files with all sources. Not here: what a signature is
(`signatures`), or refusing a file that was given as another source's (the readers).
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.ground.errors import ComebackError, WrongUsage
from orchestration.ground.event_words import understood
from orchestration.ground.settings import Settings
from orchestration.ground.text import in_print
from orchestration.landing.csv_layout import DELIMITERS, folder_columns, layout_of
from orchestration.landing.files import FoundFile, local_copy
from orchestration.landing.json_files import first_objects
from orchestration.landing.kinds import Format, Skip, says_only_compression
from orchestration.landing.parquet_texts import readable_rows
from orchestration.landing.signatures import SAMPLE_ROWS, Row, Signature, name_key
from orchestration.landing.sources import EVENTS, Source
from orchestration.landing.streams import ByteStream

# One folder holds dumps of one source; more files would say the same.
SAMPLE_FILES = 20
CANONICAL = "canonical"
# What says that a file was written for us; an account is called so everywhere.
_OWN_NAMES = frozenset(map(name_key, ("visitor_id", "event_at", "event_type")))
_OWN_EVENT = frozenset(map(name_key, ("event_at", "event_type")))
_OF_ITEMS = frozenset({"item_id", "items"})
SAMPLE_ROW_BYTES = 16 << 20
_BETWEEN_NAMES = re.compile(r"[^\w -]+")
_SHOWN_FILES = 3
_SHOWN_WORDS = 5

# Columns, some of the first rows, and the first lines of a file without a header line.
_Sample = tuple[Sequence[str], Sequence[Row], Sequence[str]]


@dataclass(frozen=True)
class _Look:
    """What the first rows of a file say.

    Attributes:
        names: its columns.
        fits: the sources that it fits, each with the reason.
        akin: where it has no signature, and no name of `canonical`'s own: the sources that find in
            it whose a row is and when it happened.
        words: where `canonical` reads it by other names than its own: its words for what happened.
        unread: a column of objects in it because of which it is not `canonical`.
        nameless: why it has no columns, where it has none.
    """

    names: tuple[str, ...]
    fits: dict[str, str]
    akin: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    unread: str | None = None
    nameless: str = ""


@dataclass(frozen=True)
class Recognized:
    """The one source that files fit, and why, in a few words."""

    source: str
    because: str


def recognized(
    files: Iterable[FoundFile], sources: Mapping[str, Source], scratch: Path | None = None
) -> Recognized:
    """The source whose dumps some files are.

    A file fits the sources whose signature it has. Where it has none it fits `canonical`, and own
    sources without a signature, if these find in it whose a row is, and when it happened: those
    that know most of its columns. `canonical` asks for what happened too, and where it reads that
    or the time by another name than its own, for more: that some file has a word for it that is
    known, and that no column of objects is left unread, unless each item is read from another. Else
    the dump is of a system that keeps what matters where `canonical` does not look.

    If a file has none of `canonical`'s own names, and the other files are of one source that can
    read it, it is of that: not every table of a system has all columns of its signature. The
    columns of a CSV file without a header line have no names: it fits only sources whose signature
    counts them.

    Args:
        files: the files; the first 20 that can be read are looked into.
        sources: all sources.
        scratch: where to copy remote files (default: the system's folder).

    Raises:
        WrongUsage: they fit several sources, or files of several sources are mixed.
        ComebackError: they fit none.
        OSError: a file cannot be read.
    """
    looks: dict[str, _Look] = {}
    for file in files:
        if file.skip:
            continue
        with local_copy(file, scratch) as path:
            look = _looked_into(path, file.name, sources)
        if look is not None:
            looks[file.name] = look
        if len(looks) == SAMPLE_FILES:
            break
    found = _of_one_system(looks)
    known = [fits for fits in found.values() if fits]
    common = set.intersection(*map(set, known)) if known else set()
    if len(known) < len(found) or not found:
        raise _unknown(looks, found, common)
    if len(common) == 1:
        (source,) = common
        return Recognized(source, found[next(iter(found))][source])
    if common:
        raise WrongUsage(
            f"these dumps fit several sources: {', '.join(sorted(common))}",
            ", ".join([*found][:_SHOWN_FILES]),
            "say which with --source",
        )
    shown = "; ".join(f"{name} fits {' or '.join(fits)}" for name, fits in _differing(found))
    raise WrongUsage(
        "these are dumps of several sources", shown, "put those of each source into one folder"
    )


def _of_one_system(looks: Mapping[str, _Look]) -> dict[str, dict[str, str]]:
    """The sources that each file fits, once it is seen what lies beside it."""
    signed = [set(look.fits) for look in looks.values() if look.fits and CANONICAL not in look.fits]
    common = set.intersection(*signed) if signed else set()
    found = {name: look.fits for name, look in looks.items()}
    if len(common) == 1:
        (source,) = common
        beside = {source: f"beside dumps of {source}"}
        found |= {name: beside for name, look in looks.items() if source in look.akin}
    if _has_unknown_words(looks):
        found |= {
            name: {each: why for each, why in found[name].items() if each != CANONICAL}
            for name, look in looks.items()
            if look.words
        }
    return found


def _has_unknown_words(looks: Mapping[str, _Look]) -> bool:
    """Whether of the words for what happened, where `canonical` is asked for them, none is one that
    means something."""
    words = sorted({word for look in looks.values() for word in look.words})
    return bool(words) and not any(understood(words, Settings()).values())


def _unknown(
    looks: Mapping[str, _Look], found: Mapping[str, Mapping], common: Collection[str]
) -> ComebackError:
    """What is wrong where files fit no source; the others fit those in common."""
    unknown = [name for name in looks if not found[name]]
    said = "none"
    if unknown:
        look = looks[unknown[-1]]
        said = ", ".join(look.names[:20]) or look.nameless
        if look.unread:
            said += f"; canonical would leave unread what is in {in_print(look.unread)}"
        elif look.words:
            words = ", ".join(map(in_print, sorted(look.words)[:_SHOWN_WORDS]))
            said += f"; canonical knows none of its words for what happened: {words}"
    where = ", ".join(unknown[:_SHOWN_FILES]) or "no file that can be read is there"
    if len(common) == 1:
        return ComebackError(
            f"no source fits {len(unknown)} of {len(looks)} files (columns of the last: {said})",
            where,
            f"the others fit {next(iter(common))}: give them without it, or begin a source of your"
            " own for it: comeback source new NAME FILES",
        )
    return ComebackError(
        f"no source fits these dumps (columns of the last one looked into: {said})",
        where,
        "name one with --source, or begin one of your own: comeback source new NAME FILES",
    )


def _differing(found: Mapping[str, Mapping[str, str]]) -> list[tuple[str, Sequence[str]]]:
    """One file for each set of sources that fit."""
    firsts = {frozenset(fits): (name, sorted(fits)) for name, fits in reversed(found.items())}
    return sorted(firsts.values())[:_SHOWN_FILES]


def _looked_into(path: Path, name: str, sources: Mapping[str, Source]) -> _Look | None:
    """What a file says; None for one that no reader reads, whosever it is."""
    stream = ByteStream(path)
    kind = stream.kind(name)
    if isinstance(kind, Skip):
        return None
    looking: dict[str, str] = {}
    knowing: dict[str, list[str]] = {}
    akin: set[str] = set()
    shown: tuple[str, ...] = ()  # a source that knows no name of a header does not see it
    sample: _Sample = ([], [], [])
    alike = None  # what is in a file of these formats does not depend on whose it is
    if kind is not Format.DELIMITED:
        alike = _sample_of_objects(path, stream, kind, sources)
    for source in sources.values():
        columns, rows, unnamed = alike or _sample_of_lines(stream, source)
        names = (*columns, *folder_columns(name))
        shown = max(shown, names, key=len)
        if source.name == CANONICAL:
            sample = columns, rows, unnamed
        for signature in source.signatures:
            if signature.source == source.name and (
                reason := _reason(signature, names, rows, unnamed)
            ):
                looking[source.name] = reason
        known = _known(source, names)
        if source.name == CANONICAL:
            knowing[source.name] = known if {*source.type_names} & {*known} else []
        elif all(signature.source != source.name for signature in source.signatures):
            knowing[source.name] = known
        elif known:
            akin.add(source.name)
    if looking:
        return _Look(shown, looking)
    most = max(map(len, knowing.values()))
    if not most and kind is Format.DELIMITED and says_only_compression(name):
        return None
    fits = {
        source: f"columns {', '.join(known)}"
        for source, known in knowing.items()
        if most and len(known) == most
    }
    keys = frozenset(map(name_key, (*sample[0], *folder_columns(name))))
    if not fits.keys() <= {CANONICAL} or not keys.isdisjoint(_OWN_NAMES):
        akin.clear()
    unread, words = None, frozenset()
    if CANONICAL in fits and not keys >= _OWN_EVENT:
        words = _words(sources[CANONICAL], sample[1])
        unread = _unread_objects(
            sources[CANONICAL],
            sample[1],
            has_items=not _OF_ITEMS.isdisjoint(knowing[CANONICAL]),
        )
        if unread:
            del fits[CANONICAL]
    nameless = _why_nameless(sources[CANONICAL], sample[2], kind)
    return _Look(shown, fits, frozenset(akin), words, unread, nameless)


def _why_nameless(source: Source, unnamed: Sequence[str], kind: Format) -> str:
    """Why a file without columns has none."""
    if kind is not Format.DELIMITED:
        return "nothing in it is an object"
    pieces = _BETWEEN_NAMES.split(unnamed[0]) if unnamed else []
    if source.knows(pieces) >= 2 and source.accepts(pieces):
        return (
            "the first line has names of columns, but no comma, semicolon, tab or bar cuts it into"
            " these: see to delimiter and quotes"
        )
    return "it has no header line"


def _unread_objects(source: Source, rows: Iterable[Row], *, has_items: bool) -> str | None:
    """A column that the source does not read, with an object or objects in some row; where it reads
    items from others, one with items in a row that has none there."""
    for row in rows:
        for name, value in row.items():
            if not value or source.target(name):
                continue
            keys = _keys_of_objects(value)
            if keys and (
                not has_items or (_names_item(source, keys) and not _has_item(source, row))
            ):
                return name
    return None


def _names_item(source: Source, names: Iterable[str]) -> bool:
    """Whether the source reads an item from one of these names."""
    return any((target := source.target(name)) and target[0] in _OF_ITEMS for name in names)


def _has_item(source: Source, row: Row) -> bool:
    return _names_item(source, [name for name, value in row.items() if value])


def _keys_of_objects(value: object) -> set[str]:
    """The keys of an object or of those in a list; JSON in a text is one too."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        with suppress(ValueError, RecursionError):
            value = json.loads(value)
    within = value if isinstance(value, list) else [value]
    return {str(key) for each in within if isinstance(each, Mapping) for key in each}


def _words(source: Source, rows: Iterable[Row]) -> frozenset[str]:
    """The words for what happened in some rows."""
    return frozenset(
        value
        for row in rows
        for name, value in row.items()
        if value
        and isinstance(value, str)
        and (target := source.target(name))
        and target[0] in source.type_names
    )


def _reason(
    signature: Signature, names: Sequence[str], rows: Iterable[Row], unnamed: Sequence[str]
) -> str | None:
    """Why a file has a signature; None if it does not."""
    if signature.width is not None:
        fits = any(signature.has_places(unnamed, delimiter) for delimiter in DELIMITERS)
        return f"{signature.width} columns without a header line" if fits else None
    keyed = [{name_key(key): value for key, value in row.items()} for row in rows]
    fits = signature.has_columns(frozenset(map(name_key, names))) and signature.has_words(keyed)
    return f"columns {', '.join(sorted(signature.columns))}" if fits else None


def _known(source: Source, names: Sequence[str]) -> list[str]:
    """The declared columns of a source of events that names stand for; none where whose a row is,
    or when it happened, is not among them."""
    targets = {target[0]: None for name in names if (target := source.target(name))}
    persons = {column for column, _ in source.ids("visitor") + source.ids("user")}
    if source.holds != EVENTS or source.time_name not in targets or not targets.keys() & persons:
        return []
    return [*targets]


def _sample_of_lines(stream: ByteStream, source: Source) -> _Sample:
    """The sample of a delimited file, read as a source's; of a file without a header line its first
    lines instead of rows."""
    layout = layout_of(stream, source, SAMPLE_ROW_BYTES)
    if not layout.header_line:
        return [], [], layout.unnamed_lines()
    return layout.names, [*layout.rows()], []


def _sample_of_objects(
    path: Path, stream: ByteStream, kind: Format, sources: Mapping[str, Source]
) -> _Sample:
    """The sample of a JSON or Parquet file, whosever it is."""
    if kind is Format.JSON:

        def accepts(keys: Sequence[str]) -> bool:
            return any(source.accepts(keys) for source in sources.values())

        objects = [*islice(first_objects(stream, SAMPLE_ROW_BYTES, accepts), SAMPLE_ROWS)]
        return [*dict.fromkeys(key for each in objects for key in each)], objects, []
    names: list[str] = []
    rows: list[Row] = []
    with suppress(OSError, pa.ArrowException, ValueError), pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
        for batch in islice(file.iter_batches(SAMPLE_ROWS), 1):
            rows = readable_rows(batch)
    return names, rows, []
