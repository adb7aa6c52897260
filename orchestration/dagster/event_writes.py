"""Writing Dagster's events in few statements, and reading what this run wrote from memory.

Belongs here: how this process writes and reads back the events of a run. Not here: the files they
are in (`sqlite_tuning`), or what the events say.

An hour makes some 490 events. For each Dagster looks up which columns and tables there are, tries
to insert an asset that is there already, and opens each file again; before each model is recorded
it asks the file for those it is made from, though it wrote them a moment ago: together a sixth of
the CPU time of an hour with nothing new, measured 2026-11-30. The rows written here are the same,
but for the blanks between the parts of their JSON: one in twelve of the bytes that a run leaves.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from types import SimpleNamespace
from typing import Any
from weakref import WeakKeyDictionary

from dagster import AssetKey, DagsterEventType, EventLogEntry, EventLogRecord
from dagster._core.definitions.data_version import DATA_VERSION_TAG
from dagster._core.events import (
    ASSET_CHECK_EVENTS,
    ASSET_EVENTS,
    EVENT_TYPE_TO_PIPELINE_RUN_STATUS,
)
from dagster._core.execution.context.data_version_cache import DataVersionCache
from dagster._core.storage.event_log import sql_event_log
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetKeyTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.event_log.sql_event_log import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._serdes import serialize_value
from dagster_shared.record import replace
from sqlalchemy import bindparam, func, or_, select, update
from sqlalchemy.dialects.sqlite import Insert, insert
from sqlalchemy.engine import Connection

# Dagster offers the events that a run begins with as one batch, and a storage to take it
_BATCH = "1000"
_MIRRORED = ASSET_EVENTS | ASSET_CHECK_EVENTS | set(EVENT_TYPE_TO_PIPELINE_RUN_STATUS)
_MATERIALIZATION = DagsterEventType.ASSET_MATERIALIZATION
_STATUS = AssetCheckExecutionRecordStatus

_columns = AssetCheckExecutionsTable.c
# of the partition, else planned for another, else none yet
_PLAN = (
    select(_columns.id)
    .where(
        _columns.asset_key == bindparam("of_asset_key"),
        _columns.check_name == bindparam("of_check_name"),
        _columns.run_id == bindparam("of_run_id"),
        or_(
            func.coalesce(_columns.partition, "") == bindparam("of_partition"),
            _columns.execution_status == _STATUS.PLANNED.value,
        ),
    )
    .order_by(func.coalesce(_columns.partition, "") != bindparam("of_partition"), _columns.id)
    .limit(1)
)
_OUTCOME = update(AssetCheckExecutionsTable).where(_columns.id == bindparam("of_id"))
_as_short_json = partial(serialize_value, separators=(",", ":"))
_EVENT = SqlEventLogStorageTable.insert()
_CHECK = AssetCheckExecutionsTable.insert()

_fetch_records = DataVersionCache._fetch_asset_records
_fetch_tags = SqliteEventLogStorage.get_latest_tags_by_partition
_has_table = SqliteEventLogStorage.has_table
_has_asset_column = SqliteEventLogStorage.has_asset_key_col


def write_in_few_statements() -> None:
    """Write events so, in this process, from now on."""
    os.environ["DAGSTER_EVENT_BATCH_SIZE"] = _BATCH
    sql_event_log.serialize_value = _as_short_json
    SqliteEventLogStorage.store_event = _store_one
    SqliteEventLogStorage.store_event_batch = _store
    SqliteEventLogStorage.get_latest_tags_by_partition = _latest_tags
    SqliteEventLogStorage.has_table = _remembered(_has_table)
    SqliteEventLogStorage.has_asset_key_col = _remembered(_has_asset_column)
    DataVersionCache._fetch_asset_records = _records


def _store_one(storage: SqliteEventLogStorage, event: EventLogEntry) -> None:
    _store(storage, [event])


def _store(storage: SqliteEventLogStorage, events: Sequence[EventLogEntry]) -> None:
    """Store events of one run: in its file, and those that concern others in the index."""
    events = [_of_no_hour(each) if _is_planned_check(each) else each for each in events]
    rows = [storage._event_to_row(event) for event in events]
    with storage.run_connection(events[0].run_id) as connection:
        connection.execute(_EVENT, rows)
    mirrored = [
        (event, row)
        for event, row in zip(events, rows, strict=True)
        if event.is_dagster_event and event.dagster_event_type in _MIRRORED
    ]
    if not mirrored:
        return
    with storage.index_connection() as connection:
        for event, row in mirrored:
            number = connection.execute(_EVENT, row).inserted_primary_key[0]
            if event.dagster_event_type in ASSET_EVENTS:
                _store_asset(storage, connection, event, number)
            elif _is_planned_check(event):
                connection.execute(_CHECK, _planned(event, row, number))
            elif event.dagster_event_type in ASSET_CHECK_EVENTS:
                _store_outcome(connection, event, row, number)


def _store_asset(
    storage: SqliteEventLogStorage, connection: Connection, event: EventLogEntry, number: int
) -> None:
    """What an event says of its asset: its tags, and that it is the newest."""
    storage._store_asset_event_tags(connection, [event], [number])
    key = event.dagster_event.asset_key
    values = storage._get_asset_entry_values(event, number, has_asset_key_index_cols=True)
    if key and values:
        connection.execute(_upsert(*values), {"asset_key": key.to_string(), **values})
    if event.dagster_event_type is _MATERIALIZATION:
        newest = EventLogRecord(storage_id=number, event_log_entry=event)
        _written_by(storage, event.run_id)[key] = newest


@cache
def _upsert(*columns: str) -> Insert:
    """An asset's row with these columns, whether there is one or not."""
    statement = insert(AssetKeyTable)
    given = {name: statement.excluded[name] for name in columns}
    return statement.on_conflict_do_update(index_elements=["asset_key"], set_=given)


def _is_planned_check(event: EventLogEntry) -> bool:
    planned = DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED
    return event.is_dagster_event and event.dagster_event_type is planned


def _of_no_hour(event: EventLogEntry) -> EventLogEntry:
    """A planned check without the run's hour: no check has hours of its own."""
    inner = event.dagster_event
    planned = replace(inner.event_specific_data, partitions_subset=None)
    return event._replace(dagster_event=inner._replace(event_specific_data=planned))


def _planned(event: EventLogEntry, row: Mapping[str, Any], number: int) -> dict[str, Any]:
    """The row of a check that is planned."""
    planned = event.dagster_event.event_specific_data
    return {
        "asset_key": planned.asset_key.to_string(),
        "check_name": planned.check_name,
        "partition": None,
        "run_id": event.run_id,
        "execution_status": _STATUS.PLANNED.value,
        "evaluation_event": row["event"],
        "evaluation_event_timestamp": row["timestamp"],
        "evaluation_event_storage_id": number,
    }


def _store_outcome(
    connection: Connection, event: EventLogEntry, row: Mapping[str, Any], number: int
) -> None:
    """The outcome of a check, in the place of its plan.

    Dagster plans for the hour a check without hours of its own, does not find the plan when the
    outcome is of none, and has the UI show both.
    """
    outcome = event.dagster_event.event_specific_data
    target = outcome.target_materialization_data
    status = _STATUS.SUCCEEDED if outcome.passed else _STATUS.FAILED
    of_check = {
        "asset_key": outcome.asset_key.to_string(),
        "check_name": outcome.check_name,
        "run_id": event.run_id,
    }
    values = {
        "execution_status": status.value,
        "evaluation_event": row["event"],
        "evaluation_event_timestamp": row["timestamp"],
        "evaluation_event_storage_id": number,
        "materialization_event_storage_id": target and target.storage_id,
        "partition": outcome.partition,
    }
    named = {f"of_{name}": value for name, value in of_check.items()}
    partition = outcome.partition or ""
    found = connection.execute(_PLAN, {**named, "of_partition": partition}).scalar()
    # what belongs to no run was never planned
    if found is None or not event.run_id:
        connection.execute(_CHECK, {**of_check, **values})
    else:
        connection.execute(_OUTCOME, {"of_id": found, **values})


def _written_by(storage: SqliteEventLogStorage, run_id: str) -> dict[AssetKey, EventLogRecord]:
    """The newest materialization of each asset that a run wrote in this process."""
    if _newest.get(storage, ("", {}))[0] != run_id:
        _newest[storage] = run_id, {}
    return _newest[storage][1]


_newest: WeakKeyDictionary[SqliteEventLogStorage, tuple[str, dict[AssetKey, EventLogRecord]]]
_newest = WeakKeyDictionary()


def _records(versions: DataVersionCache, keys: Sequence[AssetKey]) -> dict[AssetKey, Any]:
    """The records of assets, as far as their versions are read from them."""
    context = versions._context
    written = _written_by(context.instance.event_log_storage, context.run_id)
    known = {
        key: SimpleNamespace(asset_entry=SimpleNamespace(last_materialization_record=written[key]))
        for key in keys
        if key in written
    }
    others = [key for key in keys if key not in written]
    return {**known, **(_fetch_records(versions, others) if others else {})}


def _latest_tags(
    storage: SqliteEventLogStorage,
    asset_key: AssetKey,
    event_type: DagsterEventType,
    tag_keys: Sequence[str],
    asset_partitions: Sequence[str] | None = None,
    **cursors: int | None,
) -> Mapping[str, Mapping[str, str]]:
    """The tags of the newest events of partitions: of this run's, if it wrote the only one."""
    newest = _newest.get(storage, ("", {}))[1].get(asset_key)
    asked = event_type, list(tag_keys), asset_partitions, cursors
    if newest and asked == (_MATERIALIZATION, [DATA_VERSION_TAG], [newest.partition_key], {}):
        tags = storage._tags_for_asset_event(newest.event_log_entry)
        return {newest.partition_key: tags} if tags else {}
    return _fetch_tags(storage, asset_key, event_type, tag_keys, asset_partitions, **cursors)


def _remembered(has: Callable[[Any, str], bool]) -> Callable[[Any, str], bool]:
    """The same, but asked once: what is there stays there."""
    there: WeakKeyDictionary[SqliteEventLogStorage, set[str]] = WeakKeyDictionary()

    def remembered(storage: SqliteEventLogStorage, name: str) -> bool:
        names = there.setdefault(storage, set())
        if name not in names and has(storage, name):
            names.add(name)
        return name in names

    return remembered
