"""Everything that an hour exports: the priorities, and a file for each tool beside them.

Belongs here: the order of preparing, writing and remembering. Not here: what is in the files
(`exports`), nor how a folder appears (`export_files`).

What is about to be delivered is noted first, and remembered last: a run that dies before that
exports the same again, or the next hour finds it delivered, and nobody who should leave a list
stays on it.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.ground.home import Home
from orchestration.ground.hours import END_OF_TIME, hour_name, is_hour_name, iso
from orchestration.ground.settings import Settings
from orchestration.outputs import export_files
from orchestration.outputs.exports import contact_log, membership, pending
from orchestration.outputs.exports.hourly import Prepared, prepare_exports


def write_exports(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    hour: datetime,
    settings: Settings,
    *,
    models: dict[str, str],
    is_stale: bool = False,
    reporting_currency: str | None = None,
    not_after: datetime = END_OF_TIME,
    accepted: Iterable[str] = (),
) -> export_files.Export:
    """Write all files of an hour, and note what was delivered.

    Args:
        connection: the open warehouse.
        home: where the files go.
        hour: the scored hour.
        settings: the exports and contacts.
        models: model ids by model name, for the manifest.
        is_stale: whether the newest event was too old at the hour, for the manifest.
        reporting_currency: the currency of values and gains, for the manifest.
        not_after: the newest hour there can be by the clock.
        accepted: exports whose removals somebody said are meant.

    Raises:
        ComebackError: an export has a preset that there is not.
    """
    settle_pending(connection, home)
    membership.date_back(connection, hour, not_after)
    prepared = prepare_exports(
        connection,
        home,
        hour,
        settings,
        accepted=accepted,
        delivered_before=_delivered_before(home.exports, hour),
    )
    pending.announce(connection, prepared.deliveries)
    written = export_files.write_export(
        home.exports,
        hour,
        export_files.read_rows(connection, hour),
        models=models,
        settings_digest=settings.digest,
        keep_hours=settings.exports_keep_hours,
        is_stale=is_stale,
        reporting_currency=reporting_currency,
        not_after=not_after,
        beside=prepared,
    )
    pending.remember(connection, prepared.deliveries)
    contact_log.settle(connection, hour, not_after)
    return written


def settle_pending(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Remember what a killed run delivered, if it did.

    Args:
        connection: the open warehouse.
        home: where the exports are.
    """

    def sums_of(hour: datetime) -> set[str]:
        path = home.exports / hour_name(hour) / export_files.MANIFEST
        if not path.exists():
            return set()
        return {each["sha256"] for each in json.loads(path.read_bytes()).get("files", [])}

    pending.settle(connection, sums_of)


def prepare(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    hour: datetime,
    settings: Settings,
    refused_by: datetime | None = None,
) -> Prepared:
    """The files for tools of an hour that is rewritten after an erasure, not written yet; for
    `refused_by` see `prepare_exports`."""
    return prepare_exports(
        connection,
        home,
        hour,
        settings,
        delivered_before=_delivered_before(home.exports, hour),
        is_rewriting=True,
        delivered_then=_delivered_in(home.exports / hour_name(hour)),
        refused_by=refused_by,
    )


def faults_of_pointer(folder: Path, newest: datetime) -> list[str]:
    """Where `latest.json` does not lead to the newest hour, as sentences; none if it does.

    Args:
        folder: the exports folder.
        newest: the newest scored hour.
    """
    pointer = export_files.read_latest(folder)
    if pointer is None:
        return ["there is no latest.json"]
    if pointer["hour"] != iso(newest):
        return [f"latest.json is of {pointer['hour']}, the newest scored hour is {iso(newest)}"]
    manifest = json.loads((folder / hour_name(newest) / export_files.MANIFEST).read_bytes())
    sums = [{"path": each["path"], "sha256": each["sha256"]} for each in manifest["files"]]
    return [] if pointer["files"] == sums else ["latest.json has other sums than the manifest"]


def _delivered_before(folder: Path, hour: datetime) -> set[str]:
    """The exports that had somebody on a list at the newest exported hour before this one."""
    if not folder.exists():
        return set()
    earlier = sorted(
        path for path in folder.iterdir() if is_hour_name(path.name) and path.name < hour_name(hour)
    )
    if not earlier:
        return set()
    return _delivered_in(earlier[-1])


def _delivered_in(folder: Path) -> set[str]:
    """The exports that had somebody on a list by the files of an hour."""
    manifest = json.loads((folder / export_files.MANIFEST).read_bytes())
    return {name for name, each in manifest.get("exports", {}).items() if each["persons"]}
