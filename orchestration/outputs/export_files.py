"""The CSV files that e-mail and ads tools read: one folder an hour, and a pointer to the newest.

    exports/2026-10-31T23Z/retargeting_priorities.csv
    exports/2026-10-31T23Z/<export>.full.csv ...   a tool's files (`exports`)
    exports/2026-10-31T23Z/manifest.json    rows, bytes, sha256, columns, hour, models, settings
    exports/latest.json                     where the newest hour's file is; an older hour done
                                            again does not move it back

Belongs here: the bytes of the files and the order in which they appear. Not here: whom a contact is
worth (`ml.decision`).

A folder appears complete, the pointer last. An hour may be exported again with other rows: its
folder changes in one step, and the pointer's sha256 is null from before that step until after it,
so what it says always fits. Whoever reads two files by their names may still get the first from
before the step and the second from after it: then the sha256 does not fit, and reading again from
the beginning helps.

A spreadsheet runs a cell that begins with = + - or @. Numbers, times and words of ours cannot
begin so, but ids come from the shop's visitors, who choose their own cookies. An id is a key to
join on, so it is never altered: a row whose id could be a formula is withheld, and counted in the
manifest. An id of letters, digits, - and _ that begins with - or + (as tokens and phone numbers
do) can call nothing and is kept. Other text that could be a formula is left blank.
"""

import csv
import ctypes
import hashlib
import io
import json
import os
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl

from orchestration.ground.files import replace_file, sync_folder
from orchestration.ground.hours import END_OF_TIME, hour_name, is_hour_name, iso
from orchestration.outputs.exports.csv_text import can_run, has_control
from orchestration.outputs.exports.hourly import Prepared
from orchestration.outputs.exports.manifest import File, pointer, to_json
from orchestration.warehouse.contactable import MAY_BE_CONTACTED

FILE = "retargeting_priorities.csv"
MANIFEST = "manifest.json"
POINTER = "latest.json"

# New columns are added at the end only: receivers map columns by position, too.
COLUMNS = (
    "priority_rank",
    "cart_id",
    "visitor_id",
    "owner_id",
    "segment",
    "best_action",
    "contact_not_before",
    "expected_return_at",
    "return_window",
    "cart_value",
    "expected_gain",
    "p_abandon",
    "p_return_24h",
    "reasons",
    "scored_at",
    "currency",
    "cart_value_base",
    "contact_valid_until",
)
_ID_COLUMNS = ("cart_id", "visitor_id", "owner_id")
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_HARMLESS_TOKEN = re.compile(r"[-+][A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Export:
    """One exported hour.

    Attributes:
        hour: the scored hour, ISO 8601.
        path: the CSV file, relative to the exports folder.
        rows: data rows in it.
        withheld: rows left out because an id could be a formula.
        bytes: size of the CSV file.
        sha256: of the CSV file.
        columns: its columns in order.
        models: model ids behind the scores, by model name.
        settings: digest of the settings.
        is_stale: whether the newest event of the log was too old at the hour.
        reporting_currency: the currency of cart_value_base and expected_gain; None while no amount
            has one.
        files: path, rows, bytes, sha256 and columns of every file of the hour.
        exports: of each tool's export its profile, preset, persons, counts by gate and warnings.
    """

    hour: str
    path: str
    rows: int
    withheld: int
    bytes: int
    sha256: str
    columns: Sequence[str]
    models: dict[str, str]
    settings: str
    is_stale: bool
    reporting_currency: str | None
    files: Sequence[dict[str, object]] = ()
    exports: dict[str, dict] = field(default_factory=dict)


def read_rows(connection: duckdb.DuckDBPyConnection, hour: datetime) -> pl.DataFrame:
    """Every scored cart of an hour but those of people held out and of bots, best first."""
    return connection.sql(
        f"select {', '.join(COLUMNS)} from scores.cart_scores"
        f" where scored_at = ? and {MAY_BE_CONTACTED}"
        " order by priority_rank",
        params=[hour],
    ).pl()


def write_export(
    folder: Path,
    hour: datetime,
    rows: pl.DataFrame,
    *,
    models: dict[str, str],
    settings_digest: str,
    keep_hours: int,
    is_stale: bool = False,
    reporting_currency: str | None = None,
    not_after: datetime = END_OF_TIME,
    beside: Prepared | None = None,
) -> Export:
    """Write an hour's export, point to it if it is the newest, and drop those that are too old.

    An hour after `not_after` was scored while the clock was ahead: it is never the newest, and it
    takes no other's place.

    Args:
        folder: the exports folder.
        hour: the scored hour.
        rows: whom to contact, best first, with `COLUMNS`; may be empty.
        models: model ids by model name, for the manifest.
        settings_digest: digest of the settings, for the manifest.
        keep_hours: how many of the written hours are kept, the newest; this one always is.
        is_stale: whether the newest event was too old at the hour, for the manifest.
        reporting_currency: the currency of values and gains, for the manifest.
        not_after: the newest hour there can be by the clock.
        beside: the files for the tools.

    Returns:
        What was written; the same rows again give the same bytes.
    """
    content, count = to_csv(rows)
    beside = beside or Prepared()
    files = [File(FILE, content, count, COLUMNS), *beside.files]
    export = Export(
        hour=iso(hour),
        path=f"{hour_name(hour)}/{FILE}",
        rows=count,
        withheld=rows.height - count,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        columns=COLUMNS,
        models=models,
        settings=settings_digest,
        is_stale=is_stale,
        reporting_currency=reporting_currency,
        files=[each.described(hour_name(hour)) for each in files],
        exports=beside.exports,
    )
    target = folder / hour_name(hour)
    contents = {each.name: each.content for each in files}
    _replace_folder(target, contents | {MANIFEST: to_json(asdict(export))}, not_after)
    _point_to_newest(folder, not_after)
    _drop_old(folder, keep_hours, target, not_after)
    return export


def rewrite_all(
    folder: Path,
    connection: duckdb.DuckDBPyConnection,
    *,
    keep_hours: int,
    scores_after: datetime | None,
    not_after: datetime = END_OF_TIME,
    beside: Callable[[datetime], Prepared] | None = None,
) -> list[str]:
    """Rewrite every exported hour from what the table still says of it.

    Models and settings in the manifests stay those that the hour was scored with.

    Args:
        folder: the exports folder.
        connection: the open warehouse.
        keep_hours: how many hours are kept, the newest.
        scores_after: the table holds hours after this one; an older one cannot be written again
            and goes. None while no hour was scored.
        not_after: the newest hour there can be by the clock.
        beside: the files for the tools of an hour.

    Returns:
        The hours that are there now.
    """
    hours = [path for path in sorted(folder.iterdir()) if is_hour_name(path.name)]
    kept = []
    for path in hours:
        manifest = json.loads((path / MANIFEST).read_bytes())
        hour = datetime.fromisoformat(manifest["hour"]).replace(tzinfo=None)
        if scores_after is None or hour <= scores_after:
            shutil.rmtree(path)
            continue
        write_export(
            folder,
            hour,
            read_rows(connection, hour),
            models=manifest["models"],
            settings_digest=manifest["settings"],
            keep_hours=keep_hours,
            is_stale=manifest.get("is_stale", False),
            reporting_currency=manifest.get("reporting_currency"),
            not_after=not_after,
            beside=beside and beside(hour),
        )
        kept.append(path.name)
    return kept


def read_latest(folder: Path) -> dict[str, object] | None:
    """The pointer to the newest export; None while there is none."""
    try:
        return json.loads((folder / POINTER).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def is_stale(folder: Path, hour: datetime) -> bool:
    """Whether an exported hour says that the log was too old then; not so if it is not there."""
    try:
        manifest = json.loads((folder / hour_name(hour) / MANIFEST).read_bytes())
    except FileNotFoundError:
        return False
    return manifest.get("is_stale", False)


def to_csv(rows: pl.DataFrame) -> tuple[bytes, int]:
    """The bytes of the CSV file (UTF-8, `\\n`, a header always) and how many rows are in it."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for row in rows.select(COLUMNS).iter_rows(named=True):
        if all(_is_safe_id(row[name]) for name in _ID_COLUMNS):
            writer.writerow(_cell(name, value) for name, value in row.items())
            count += 1
    return text.getvalue().encode(), count


def _is_safe_id(value: str | None) -> bool:
    if not value:
        return True
    if has_control(value):
        return False
    return not can_run(value) or _HARMLESS_TOKEN.fullmatch(value) is not None


def _cell(name: str, value: object) -> str:
    """A value as text: times in ISO 8601 with Z, numbers plain, no text that is a formula."""
    match value:
        case None:
            return ""
        case datetime():
            return iso(value)
        case float() | Decimal():
            return f"{value:f}"
        case str() if name not in _ID_COLUMNS and (can_run(value) or has_control(value)):
            return ""
        case _:
            return str(value)


def _replace_folder(target: Path, files: dict[str, bytes], not_after: datetime) -> None:
    """Make the folder of an hour hold exactly these files, in one step for whoever looks."""
    if target.exists() and {path.name: path.read_bytes() for path in target.iterdir()} == files:
        return
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    are_personal = set(files) > {FILE, MANIFEST}
    temporary.mkdir(mode=0o700 if are_personal else 0o777, parents=True)
    for name, content in files.items():
        is_personal = name not in (FILE, MANIFEST)
        replace_file(temporary / name, content, 0o600 if is_personal else 0o644)
    if target.exists():
        if _newest(target.parent, not_after) == target:
            # what the pointer says of the file is about to be wrong
            meanwhile = _pointer(files[MANIFEST], is_written=False)
            replace_file(target.parent / POINTER, to_json(meanwhile))
        _exchange(temporary, target)
        shutil.rmtree(temporary)
    else:
        temporary.rename(target)
    sync_folder(target.parent)


def _exchange(one: Path, other: Path) -> None:
    """Let two folders change names, which `rename` cannot do to folders with files in them."""
    libc = ctypes.CDLL(None, use_errno=True)
    paths = (_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other))
    if hasattr(libc, "renameat2") and libc.renameat2(*paths, _RENAME_EXCHANGE) == 0:
        return
    # Not Linux, or a file system that cannot: a reader may for a moment find no folder.
    aside = one.with_name(f"{one.name}.aside")
    other.rename(aside)
    one.rename(other)
    aside.rename(one)


def _point_to_newest(folder: Path, not_after: datetime) -> None:
    """Point to the newest hour there is: an older hour done again cannot move the pointer back."""
    newest = _newest(folder, not_after)
    if newest is None:
        (folder / POINTER).unlink(missing_ok=True)
        return
    content = to_json(_pointer((newest / MANIFEST).read_bytes()))
    if not (folder / POINTER).exists() or (folder / POINTER).read_bytes() != content:
        replace_file(folder / POINTER, content)


def _pointer(manifest: bytes, *, is_written: bool = True) -> dict[str, object]:
    """The pointer to an hour with this manifest; it names the first file beside the list, too."""
    said = json.loads(manifest)
    files = said.get("files") or [said]  # an older version wrote one file an hour
    pointed = pointer(said["hour"], files, is_written=is_written)
    return {"hour": said["hour"], **pointed["files"][0], "files": pointed["files"]}


def _hours(folder: Path, not_after: datetime) -> list[Path]:
    """The folders of the hours up to one, the newest first."""
    hours = [path for path in folder.iterdir() if is_hour_name(path.name)]
    return sorted((path for path in hours if path.name <= hour_name(not_after)), reverse=True)


def _newest(folder: Path, not_after: datetime) -> Path | None:
    """The folder of the newest hour there is."""
    return next(iter(_hours(folder, not_after)), None)


def _drop_old(folder: Path, keep_hours: int, written: Path, not_after: datetime) -> None:
    """Remove all but the newest hours and the one just written, and what a killed run left."""
    for path in _hours(folder, not_after)[keep_hours:]:
        if path != written:
            shutil.rmtree(path)
    for path in folder.iterdir():
        if path.name.startswith("."):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def faults_of_export(folder: Path, hour: datetime, rows: pl.DataFrame) -> list[str]:
    """Where an exported hour differs from the table, as sentences; none for a good one.

    Args:
        folder: the exports folder.
        hour: the scored hour.
        rows: the rows to export, best first.
    """
    exported = folder / hour_name(hour)
    if not exported.exists():
        return []
    content = (exported / FILE).read_bytes()
    manifest = json.loads((exported / MANIFEST).read_bytes())
    faults = []
    if content != to_csv(rows)[0]:
        faults.append("the file differs from the table")
    if manifest["sha256"] != hashlib.sha256(content).hexdigest():
        faults.append("the manifest gives another sha256 than the file has")
    for each in manifest.get("files", [])[1:]:
        path = folder / each["path"]
        if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != each["sha256"]:
            faults.append(f"the manifest gives another sha256 than {path.name} has")
    return faults
