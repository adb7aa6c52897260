"""Which files landing is asked to load, and what became of them.

Belongs here: from the settings to the addresses of each source, and the outcomes as one frame. Not
here: finding or reading a file, or knowing whether it is new; that is `landing`.
"""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path

import duckdb
import fsspec
import polars as pl

from orchestration.ground.checkout import DBT_PROJECT, SIGNATURES_TO_COME, SOURCE_DEFINITIONS
from orchestration.ground.errors import ComebackError
from orchestration.ground.files import keep_private, replace_file
from orchestration.ground.home import Home
from orchestration.ground.progress import Work, progress
from orchestration.ground.project import own_sources, project_of
from orchestration.ground.settings import FILE_NAME, Settings
from orchestration.landing import (
    FoundFile,
    LandedFile,
    Source,
    ensure_raw_tables,
    find_files,
    land,
    load_sources,
    source_named,
)
from orchestration.landing.files import fingerprint
from orchestration.landing.kinds import ending_of
from orchestration.landing.sources import EVENTS

logger = logging.getLogger(__name__)

_SCHEMA = {
    "source": pl.String,
    "file": pl.String,
    "status": pl.String,
    "rows_read": pl.Int64,
    "rows_unreadable": pl.Int64,
    "rows_repaired": pl.Int64,
    "note": pl.String,
    "skipped_reason": pl.String,
}


def known_sources(home: Home) -> Mapping[str, Source]:
    """The sources that the dbt project declares and those that the shop has defined, by name.

    Raises:
        ComebackError: a definition is wrong.
    """
    sources = sources_in(project_of(home))
    for name in own_sources(home):
        if name not in sources:
            raise ComebackError(
                f"no table {name} is declared in it",
                str(home.sources / f"{name}.yml"),
                f"name the table under `sources`, schema raw, {name}",
            )
    return sources


def sources_in(project: Path) -> Mapping[str, Source]:
    """The sources that a dbt project declares, by name; read again when a file of them changes."""
    folder = project / SOURCE_DEFINITIONS.relative_to(DBT_PROJECT)
    stamps = [(path.name, path.stat().st_mtime_ns) for path in sorted(folder.glob("*.yml"))]
    return _load_once(folder, (*stamps, SIGNATURES_TO_COME.stat().st_mtime_ns))


@lru_cache(maxsize=4)
def _load_once(folder: Path, stamps: tuple[object, ...]) -> Mapping[str, Source]:  # noqa: ARG001
    return load_sources(folder, SIGNATURES_TO_COME)


def with_placeholders(sources: Mapping[str, Source], settings: Settings) -> dict[str, Source]:
    """The sources, with the words for nobody that the shop has set."""
    words = settings.ids.placeholders
    return {name: replace(source, placeholders=words) for name, source in sources.items()}


@dataclass(frozen=True)
class Location:
    """A file or folder (local path or fsspec address) and the source whose dumps are in it."""

    address: str
    source: str


def configured_locations(
    home: Home, settings: Settings, sources: Mapping[str, Source]
) -> list[Location]:
    """Each source's folder: the one that is set, else `landing/<source>`; and corrections of
    profiles, if there are any.

    Raises:
        ComebackError: a folder is set for a source that is not defined.
    """
    for name in sorted(set(settings.sources) - set(sources)):
        raise ComebackError(
            f"'{name}' is no source",
            f"{home.root / FILE_NAME} [sources]",
            f"use one of: {', '.join(sources)}",
        )
    locations = [
        Location(settings.sources.get(name, str(home.landing / name)), name) for name in sources
    ]
    if home.rectified.is_dir():
        locations.append(Location(str(home.rectified), "profiles"))
    return locations


def exists(address: str) -> bool:
    """Whether a file or folder is there, by its local path or fsspec address.

    Raises:
        OSError: a store cannot be asked.
    """
    if "://" not in address or address.startswith("file://"):
        return Path(address.removeprefix("file://")).exists()
    filesystem, path = fsspec.core.url_to_fs(address)
    filesystem.invalidate_cache()
    return filesystem.exists(path)


def misplaced_folders(home: Home, settings: Settings) -> list[str]:
    """What is wrong with the folders that are set for sources, in sentences.

    A store is not asked: it may be slow, or not answer; a run says what it meets there.
    """
    where = home.root / FILE_NAME
    return [
        str(
            ComebackError(
                f"the folder of the source {name} is not there, {address}",
                f"{where} [sources]",
                "correct it or make the folder: nothing lands from there",
            )
        )
        for name, address in settings.sources.items()
        if "://" not in address and not Path(address).exists()
    ]


def unread_places(home: Home, settings: Settings, sources: Mapping[str, Source]) -> list[str]:
    """What is wrong with dumps under `landing/` that lie in no folder that is read, in sentences:
    nothing else would ever be said of them.

    Raises:
        ComebackError: a folder is set for a source that is not defined.
    """
    locations = [*configured_locations(home, settings, sources), *remembered_locations(home)]
    read = [Path(each.address).absolute() for each in locations if "://" not in each.address]
    unread = Counter(
        Path(file.name).parts[0]
        for file in find_files(home.landing)
        if ending_of(file.name)
        and not any(Path(file.address).absolute().is_relative_to(place) for place in read)
    )
    return [str(_unread(home, settings, sources, *each)) for each in sorted(unread.items())]


def _unread(
    home: Home, settings: Settings, sources: Mapping[str, Source], name: str, count: int
) -> ComebackError:
    files = "1 file lies" if count == 1 else f"{count:,} files lie"
    if name in settings.sources:
        why = f"the source {name} is read from {settings.sources[name]}"
        todo = f"put what is new there, or take it out of {FILE_NAME}"
    else:
        why = "no source is of that name"
        todo = f"put dumps into the folder of their source: {', '.join(sources)}"
    return ComebackError(f"{files} where nothing is read ({why})", str(home.landing / name), todo)


def remember_locations(home: Home, locations: Iterable[Location]) -> None:
    """Remember where dumps lie that are in no configured folder: a rebuild needs them again."""
    noted = remembered_locations(home)
    for location in locations:
        is_local = "://" not in location.address
        address = str(Path(location.address).absolute()) if is_local else location.address
        noted.append(Location(address, location.source))
    content = json.dumps([asdict(each) for each in dict.fromkeys(noted)], indent=2)
    replace_file(home.remembered_locations, f"{content}\n".encode())


def remembered_locations(home: Home) -> list[Location]:
    """Where dumps were landed from that are in no configured folder, in order of the first time."""
    try:
        return [Location(**each) for each in json.loads(home.remembered_locations.read_bytes())]
    except FileNotFoundError:
        return []


def land_locations(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    sources: Mapping[str, Source],
    locations: Iterable[Location],
    landed_at: datetime,
    *,
    follow_symlinks: bool = False,
    is_trial: bool = False,
) -> pl.DataFrame:
    """Land what is new of the locations.

    Args:
        connection: the open warehouse.
        home: where copies of remote files are put while they are read, and the key by which erased
            people are recognised lies.
        sources: all sources; each gets its raw table even if nothing came.
        locations: what to look through.
        landed_at: now, with time zone.
        follow_symlinks: whether links that lead out of a folder are followed.
        is_trial: whether the warehouse is thrown away, so that nothing is said to have landed.

    Returns:
        source, file, status (`loaded`, `skipped` or `refused`), rows_read, rows_unreadable,
        rows_repaired, note, skipped_reason: one row per file that was not known before.
    """
    ensure_raw_tables(connection, sources)
    landed: list[LandedFile] = []
    for location in locations:
        source = source_named(sources, location.source)
        files = find_files(location.address, source, follow_symlinks=follow_symlinks)
        with progress(f"Landing {source.name}", len(files), "files") as landing:
            landed += land(
                connection,
                files,
                source,
                landed_at=landed_at,
                progress=partial(_follow, landing),
                scratch=home.temporary,
                key_file=home.erasure_key,
                has_tables=True,
            )
        if source.is_private:
            _keep_changes_private(connection)
    loaded = [file for file in landed if file.status == "loaded"]
    if loaded and not is_trial:
        rows = sum(file.rows_read for file in loaded)
        logger.info("Landed %d files, %d rows.", len(loaded), rows)
    rows = [
        {name: value for name, value in asdict(file).items() if name in _SCHEMA}
        for file in landed
        if file.status != "known"
    ]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def _keep_changes_private(connection: duckdb.DuckDBPyConnection) -> None:
    """Let only the owner read the log of changes, in which rows stand before they are folded in."""
    query = "select path from duckdb_databases() where database_name = current_database()"
    ((path,),) = connection.execute(query).fetchall()
    if path:
        keep_private(Path(f"{path}.wal"))


def locations_digest(
    sources: Mapping[str, Source],
    locations: Iterable[Location],
    *,
    follow_symlinks: bool = False,
) -> str:
    """A hash over what the file systems say of all files delivered: it changes when one comes."""
    digest = hashlib.sha256()
    for file in files_at(sources, locations, follow_symlinks=follow_symlinks):
        seen = fingerprint(file)
        digest.update(f"{file.address}\0{seen.byte_size}\0{seen.version}\n".encode())
    return digest.hexdigest()


def files_at(
    sources: Mapping[str, Source],
    locations: Iterable[Location],
    *,
    follow_symlinks: bool = False,
    only_events: bool = False,
) -> Iterator[FoundFile]:
    """Every file that lies in the locations, known or not, read or not; those of rates, too, unless
    ``only_events``."""
    for location in locations:
        if only_events and source_named(sources, location.source).holds != EVENTS:
            continue
        source = source_named(sources, location.source)
        yield from find_files(location.address, source, follow_symlinks=follow_symlinks)


def _follow(landing: Work, file: LandedFile) -> None:
    """Count a file, and say at once that one is not loaded."""
    if file.status in ("refused", "skipped"):
        logger.warning("%s %s: %s.", file.status.capitalize(), file.file, file.note)
    landing.advance()
