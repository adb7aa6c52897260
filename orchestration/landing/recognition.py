"""Whose dumps files are, when nobody said it.

Belongs here: comparing the first rows of some files with all sources. Not here: what a signature is
(`signatures`), or refusing a file that was given as another source's (the readers).
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.ground.errors import ComebackError, WrongUsage
from orchestration.landing.csv_layout import DELIMITERS, folder_columns, layout_of
from orchestration.landing.files import FoundFile, local_copy
from orchestration.landing.json_files import first_objects
from orchestration.landing.kinds import Format, Skip
from orchestration.landing.signatures import SAMPLE_ROWS, Row, Signature, name_key
from orchestration.landing.sources import EVENTS, Source
from orchestration.landing.streams import ByteStream

# One folder holds dumps of one source; more files would say the same.
SAMPLE_FILES = 20
CANONICAL = "canonical"
SAMPLE_ROW_BYTES = 16 << 20
_SHOWN_FILES = 3

# Columns, some of the first rows, and the first lines of a file without a header line.
_Sample = tuple[Sequence[str], Sequence[Row], Sequence[str]]


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
    that know most of its columns. The columns of a CSV file without a header line have no names: it
    fits only sources whose signature counts them.

    Args:
        files: the files; the first 20 that can be read are looked into.
        sources: all sources.
        scratch: where to copy remote files (default: the system's folder).

    Raises:
        WrongUsage: they fit several sources, or files of several sources are mixed.
        ComebackError: they fit none.
        OSError: a file cannot be read.
    """
    found: dict[str, dict[str, str]] = {}
    names: tuple[str, ...] = ()
    for file in files:
        with local_copy(file, scratch) as path:
            fitting = _fitting(path, file.name, sources)
        if fitting is None:
            continue
        names, found[file.name] = fitting
        if len(found) == SAMPLE_FILES:
            break
    unknown = [name for name, fits in found.items() if not fits]
    if unknown or not found:
        shown = ", ".join(names[:20]) or "none"
        raise ComebackError(
            f"no source fits these dumps (columns of the last one looked into: {shown})",
            ", ".join(unknown[:_SHOWN_FILES]) or "no file that can be read is there",
            "name one with --source, or begin one of your own: comeback source new NAME FILES",
        )
    common = set.intersection(*(set(fits) for fits in found.values()))
    if len(common) == 1:
        (source,) = common
        return Recognized(source, next(iter(found.values()))[source])
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


def _differing(found: Mapping[str, Mapping[str, str]]) -> list[tuple[str, Sequence[str]]]:
    """One file for each set of sources that fit."""
    firsts = {frozenset(fits): (name, sorted(fits)) for name, fits in reversed(found.items())}
    return sorted(firsts.values())[:_SHOWN_FILES]


def _fitting(
    path: Path, name: str, sources: Mapping[str, Source]
) -> tuple[tuple[str, ...], dict[str, str]] | None:
    """The columns of a file, and the sources that it fits, each with the reason; None for a file
    that no reader reads."""
    stream = ByteStream(path)
    kind = stream.kind(name)
    if isinstance(kind, Skip):
        return None
    looking: dict[str, str] = {}
    knowing: dict[str, list[str]] = {}
    names: tuple[str, ...] = ()
    alike = None  # what is in a file of these formats does not depend on whose it is
    if kind is not Format.DELIMITED:
        alike = _sample_of_objects(path, stream, kind, sources)
    for source in sources.values():
        columns, rows, unnamed = alike or _sample_of_lines(stream, source)
        names = (*columns, *folder_columns(name))
        for signature in source.signatures:
            if signature.source == source.name and (
                reason := _reason(signature, names, rows, unnamed)
            ):
                looking[source.name] = reason
        if source.name == CANONICAL or all(
            signature.source != source.name for signature in source.signatures
        ):
            knowing[source.name] = _known(source, names)
    if looking:
        return names, looking
    most = max(map(len, knowing.values()))
    return names, {
        source: f"columns {', '.join(known)}"
        for source, known in knowing.items()
        if most and len(known) == most
    }


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
            rows = batch.to_pylist()  # of rows that cannot be read the names still count
    return names, rows, []
