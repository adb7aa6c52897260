"""Events are written in few statements: the rows are those that Dagster writes by itself."""

import importlib.util
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest
from dagster._core.definitions.data_version import DATA_VERSION_TAG
from dagster._core.events import ASSET_CHECK_EVENTS
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._serdes import serialize_value
from dagster_shared.record import replace

from orchestration.dagster import event_writes

HOURS = dg.HourlyPartitionsDefinition(start_date=datetime(2026, 11, 1))
HOUR = "2026-11-01-05:00"
RUN_ID = "11111111-2222-3333-4444-555555555555"
TABLES = {
    "event_logs": "id, run_id, event, dagster_event_type, timestamp, step_key, asset_key,"
    " partition",
    "asset_keys": "asset_key, last_materialization, last_run_id, last_materialization_timestamp,"
    " wipe_timestamp, asset_details, cached_status_data",
    "asset_event_tags": "event_id, asset_key, key, value, event_timestamp",
    "asset_check_executions": "asset_key, check_name, partition, run_id, execution_status,"
    " evaluation_event, evaluation_event_timestamp, evaluation_event_storage_id,"
    " materialization_event_storage_id",
}


@dg.asset
def landed() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"rows": 3})


@dg.multi_asset(
    specs=[dg.AssetSpec("carts", deps=["landed"]), dg.AssetSpec("scores", deps=["carts"])],
    check_specs=[dg.AssetCheckSpec("are_sane", asset="scores")],
    partitions_def=HOURS,
)
def built() -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    yield dg.MaterializeResult("carts")
    yield dg.MaterializeResult("scores")
    yield dg.AssetCheckResult(asset_key="scores", check_name="are_sane", passed=True)


@dg.asset_check(asset="scores", blocking=True)
def add_up() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False)


@dg.asset(deps=["scores"])
def blocked() -> None:
    pass


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "0")
    event_writes.write_in_few_statements()
    definitions = dg.Definitions(
        assets=[landed, built, blocked],
        asset_checks=[add_up],
        jobs=[dg.define_asset_job("hourly", dg.AssetSelection.all())],
        executor=dg.in_process_executor,
    )
    job = definitions.resolve_job_def("hourly")
    folder = tmp_path / "one"
    folder.mkdir()
    quiet = {"telemetry": {"enabled": False}}
    with dg.DagsterInstance.local_temp(str(folder), overrides=quiet) as found:
        job.execute_in_process(
            run_id=RUN_ID, instance=found, partition_key=HOUR, raise_on_error=False
        )
        yield found


def dagsters_own(folder: Path) -> sqlite_event_log.SqliteEventLogStorage:
    """A storage as Dagster has it, out of its source, whatever was changed in this process."""
    spec = importlib.util.spec_from_file_location("unchanged", sqlite_event_log.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.SqliteEventLogStorage(str(folder))


def rows_in(file: Path, table: str) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        found = connection.execute(f"select {TABLES[table]} from {table}").fetchall()
    return sorted(map(repr, found))


def test_the_rows_are_those_that_dagster_writes(instance: dg.DagsterInstance, tmp_path: Path):
    storage = instance.event_log_storage
    other = dagsters_own(tmp_path / "other")
    for record in storage.get_records_for_run(RUN_ID).records:
        other.store_event(record.event_log_entry)
    for shard in (RUN_ID, "index"):
        files = Path(storage.path_for_shard(shard)), Path(other.path_for_shard(shard))
        for table in TABLES:
            ours, theirs = (rows_in(file, table) for file in files)
            assert ours == theirs
    index = Path(storage.path_for_shard("index"))
    counts = {table: len(rows_in(index, table)) for table in TABLES}
    # each check once, as it came out, and not as it was planned beside it
    assert counts["asset_check_executions"] == 2
    assert counts["asset_event_tags"] == 3


def test_an_event_is_stored_without_blanks_and_read_as_it_was(instance: dg.DagsterInstance):
    storage = instance.event_log_storage
    with closing(sqlite3.connect(storage.path_for_shard(RUN_ID))) as connection:
        texts = [text for (text,) in connection.execute("select event from event_logs order by id")]
    read = [each.event_log_entry for each in storage.get_records_for_run(RUN_ID).records]
    assert [serialize_value(each) for each in read] == [
        json.dumps(json.loads(text)) for text in texts
    ]
    assert texts == [json.dumps(json.loads(text), separators=(",", ":")) for text in texts]


def test_what_this_run_wrote_is_known_as_the_file_has_it(instance: dg.DagsterInstance):
    storage = instance.event_log_storage
    versions = SimpleNamespace(_context=SimpleNamespace(instance=instance, run_id=RUN_ID))
    keys = [dg.AssetKey(name) for name in ("landed", "carts", "scores", "blocked")]
    known = event_writes._records(versions, keys)
    read = event_writes._fetch_records(versions, keys)
    assert set(event_writes._written_by(storage, RUN_ID)) == set(keys[:3])
    for key in keys:
        one, other = (each[key].asset_entry.last_materialization_record for each in (known, read))
        assert one == other
    asked = dg.DagsterEventType.ASSET_MATERIALIZATION, [DATA_VERSION_TAG], [HOUR]
    for key in keys[1:3]:
        tags = event_writes._latest_tags(storage, key, *asked)
        assert tags == event_writes._fetch_tags(storage, key, *asked)
        assert list(tags) == [HOUR]
    # another hour is asked of the file
    others = *asked[:2], ["2026-11-01-04:00"]
    assert event_writes._latest_tags(storage, keys[1], *others) == {}


def test_an_outcome_takes_the_place_of_its_plan_whoever_planned_it(
    instance: dg.DagsterInstance, tmp_path: Path
):
    events = [
        record.event_log_entry
        for record in instance.event_log_storage.get_records_for_run(RUN_ID).records
        if record.event_log_entry.dagster_event_type in ASSET_CHECK_EVENTS
    ]
    planned, passed = (
        next(each for each in events if each.dagster_event_type is kind and "sane" in str(each))
        for kind in (
            dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED,
            dg.DagsterEventType.ASSET_CHECK_EVALUATION,
        )
    )
    data = planned.dagster_event.event_specific_data
    assert data.partitions_subset is None
    # as the UI's process plans it, which does not come by here
    hours = HOURS.subset_with_partition_keys([HOUR]).to_serializable_subset()
    with_hour = replace(data, partitions_subset=hours)
    by_the_ui = planned._replace(
        dagster_event=planned.dagster_event._replace(event_specific_data=with_hour)
    )
    storage = sqlite_event_log.SqliteEventLogStorage(str(tmp_path / "planned"))
    dagsters_own(tmp_path / "planned").store_event(by_the_ui)
    query = "select partition, execution_status from asset_check_executions"
    with closing(sqlite3.connect(storage.path_for_shard("index"))) as connection:
        assert connection.execute(query).fetchall() == [(HOUR, "PLANNED")]
        storage.store_event(passed)
        assert connection.execute(query).fetchall() == [(None, "SUCCEEDED")]
        storage.store_event(passed)
        assert connection.execute(query).fetchall() == [(None, "SUCCEEDED")]
        # what nobody planned is noted all the same
        storage.store_event(passed._replace(run_id="22222222-2222-3333-4444-555555555555"))
        assert connection.execute(query).fetchall() == [(None, "SUCCEEDED")] * 2


def test_another_run_knows_nothing_of_this_one(instance: dg.DagsterInstance):
    storage = instance.event_log_storage
    assert event_writes._written_by(storage, RUN_ID)
    assert event_writes._written_by(storage, "another") == {}
