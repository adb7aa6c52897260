"""The definitions load, and what they hold is pinned."""

from datetime import date
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from dagster._core.definitions.assets.graph.base_asset_graph import BaseAssetGraph

from orchestration.dagster.automation import fail_dead_runs
from orchestration.dagster.definitions import build_definitions
from orchestration.dagster.run import PID_TAG
from orchestration.dagster.shared import hourly_partitions, log_begins
from orchestration.ground.home import Home
from orchestration.ground.hours import HOUR, last_full_hour, partition_key, utc_now
from orchestration.ground.settings import Settings
from orchestration.warehouse.score_tables import DBT_TABLES


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Home:
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def definitions(home) -> dg.Definitions:
    return build_definitions(home)


@pytest.fixture(scope="module")
def catalogue(home) -> BaseAssetGraph:
    return build_definitions(home, for_ui=True).resolve_asset_graph()


def keys(definitions: dg.Definitions, job: str) -> set[str]:
    layer = definitions.resolve_job_def(job).asset_layer
    return {key.to_user_string() for key in layer.executable_asset_keys}


def test_the_graph_goes_from_raw_files_to_what_is_published(definitions):
    graph = definitions.resolve_asset_graph()

    def parents(key: str) -> set[str]:
        return {p.to_user_string() for p in graph.get(dg.AssetKey(key.split("/"))).parent_keys}

    assert "raw/rees46" in parents("stg_rees46")
    checked = {"landed_files", "events"}
    assert parents("abandonment_model") == {"training_snapshots"} | checked
    assert parents("return_model") == {"training_returns"} | checked
    assert parents("person_models") == {
        *("training_people", "scoring_people", "person_sessions"),
        *checked,
    }
    assert parents("models") == {"abandonment_model", "return_model", "person_models"}
    assert parents("person_scores") == {"models", "scoring_people"}
    assert "person_scores" in parents("people")
    snapshots = {"scoring_snapshots", "scoring_returns"}
    assert parents("cart_scores") == {"models", "sessions"} | snapshots
    assert parents("retargeting_export") == {"cart_scores", "segment_sizes"}
    assert parents("score_outcomes") == {"cart_scores", "visitor_orders", "cart_touches"}
    assert "cart_scores" in parents("segment_members")
    assert parents("segment_sizes") == {"segment_members"}
    results = {"retargeting_export", "orders", "ordered_events", "carts", "segment_sizes"}
    assert parents("campaign_results") == results
    assert {
        *("retargeting_export", "score_outcomes", "sessions", "carts", "people", "segment_sizes"),
        "campaign_results",
    } <= parents("published_database")
    assert parents("delivered_exports") == {"retargeting_export", "published_database"}


def test_the_hourly_job_does_everything_but_the_watermark(definitions):
    every = {
        key.to_user_string() for key in definitions.resolve_asset_graph().materializable_asset_keys
    }
    assert keys(definitions, "hourly") == every - {"log_watermark"}
    of_train = {"abandonment_model", "return_model", "person_models", "models"}
    assert keys(definitions, "train") == of_train
    assert "log_watermark" in keys(definitions, "land")
    landed = keys(definitions, "land") - {"log_watermark"}
    assert all(key.startswith(("raw/", "vault/")) for key in landed)
    assert "vault/profiles" in landed


def test_models_are_learned_again_in_the_train_job_only(definitions):
    retrain = {"config": {"retrain": True}}

    def config(job: str) -> dict:
        by_hour = definitions.resolve_job_def(job).partitioned_config
        return by_hour.get_run_config_for_partition_key("2026-10-31-10:00")

    learned = ("abandonment_model", "return_model", "person_models")
    assert config("train") == {"ops": dict.fromkeys(learned, retrain)}
    assert config("hourly") == {}


def test_the_clocks_are_pinned(definitions):
    schedules = {each.name: each for each in definitions.schedules}
    assert {name: each.cron_schedule for name, each in schedules.items()} == {
        "hourly": "0 * * * *",
        "train": "30 3 * * *",
    }
    assert all(each.execution_timezone == "UTC" for each in schedules.values())
    assert {each.name: each.minimum_interval_seconds for each in definitions.sensors} == {
        "new_files": 10,
        "files_landed": 10,
    }


def test_our_checks_block_what_follows(definitions):
    graph = definitions.resolve_asset_graph()
    for asset, name in (
        ("landed_files", "rows_add_up"),
        ("landed_files", "files_say_enough"),
        ("events", "log_is_recent"),
        ("cart_scores", "scores_are_sane"),
        ("retargeting_export", "export_equals_table"),
    ):
        check = graph.get_check_spec(dg.AssetCheckKey(dg.AssetKey(asset), name))
        assert check.blocking
    whole = graph.get_check_spec(dg.AssetCheckKey(dg.AssetKey("models"), "models_are_whole"))
    assert not whole.blocking  # the last good version serves


def test_a_partition_is_the_hour_it_scores_up_to_two_hours_ahead():
    hours = hourly_partitions(Settings())
    assert hours.get_first_partition_key() == "2019-01-01-00:00"
    assert partition_key(last_full_hour(utc_now()) + 2 * HOUR) == hours.get_last_partition_key()


def test_in_the_ui_hours_begin_with_the_log_or_the_first_that_was_scored(tmp_path):
    home = Home(tmp_path)
    home.prepare()
    assert log_begins(home) is None
    home.published.parent.mkdir(exist_ok=True)
    home.published.write_text("no database")
    assert log_begins(home) is None
    home.published.unlink()
    with duckdb.connect(str(home.published)) as published:
        published.execute("create table sessions as select timestamp '2026-10-02 07:00' started_at")
        published.execute("create table runs as select null::timestamp as as_of")
    assert log_begins(home) == date(2026, 10, 2)
    with duckdb.connect(str(home.published)) as published:
        published.execute("insert into runs values (timestamp '2026-09-30 23:00')")
    assert log_begins(home) == date(2026, 9, 30)
    first = hourly_partitions(Settings(), log_begins(home)).get_first_partition_key()
    assert first == "2026-09-30-00:00"
    settings = Settings(partitions_start=date(2026, 10, 1))
    assert hourly_partitions(settings, log_begins(home)).get_first_partition_key() == (
        "2026-10-01-00:00"
    )


def test_the_catalogue_says_of_every_asset_whose_it_is_what_kind_and_where_its_code_is(catalogue):
    for key in catalogue.materializable_asset_keys:
        spec = catalogue.get(key)
        assert len(spec.owners) == 1, key
        assert spec.kinds, key
        (place,) = spec.metadata["dagster/code_references"].code_references
        assert Path(place.file_path).is_file(), key
    carts, vault = (catalogue.get(dg.AssetKey(each)) for each in ("carts", ["vault", "profiles"]))
    assert (carts.owners, carts.kinds) == (["team:data"], {"dbt", "duckdb"})
    assert "published" in carts.tags
    assert "personal" in vault.tags
    assert catalogue.get(dg.AssetKey("people")).owners == ["team:marketing"]


def test_every_column_of_a_published_table_has_its_type_and_a_sentence(catalogue):
    published = [
        catalogue.get(key)
        for key in catalogue.materializable_asset_keys
        if "published" in catalogue.get(key).tags
    ]
    assert len(published) >= 20
    for spec in published:
        columns = spec.metadata["dagster/column_schema"].columns
        assert columns
        assert [each.name for each in columns if not each.description] == [], spec.key
    scores = catalogue.get(dg.AssetKey("cart_scores")).metadata["dagster/column_schema"]
    assert ("p_abandon", "double") in [(each.name, each.type) for each in scores.columns]


def test_every_column_that_dbt_makes_names_those_it_is_made_from(catalogue):
    def origins(table: str, column: str) -> set[str]:
        lineage = catalogue.get(dg.AssetKey(table.split("/"))).metadata["dagster/column_lineage"]
        return {
            f"{each.asset_key.to_user_string()}.{each.column_name}"
            for each in lineage.deps_by_column[column]
        }

    built = [catalogue.get(dg.AssetKey(name)) for name in DBT_TABLES]
    for spec in built:
        columns = {each.name for each in spec.metadata["dagster/column_schema"].columns}
        assert set(spec.metadata["dagster/column_lineage"].deps_by_column) == columns, spec.key
    staging = [
        catalogue.get(key)
        for key in catalogue.materializable_asset_keys
        if catalogue.get(key).group_name == "staging"
    ]
    assert len(staging) >= 11
    for spec in staging:
        assert "dagster/column_lineage" in spec.metadata, spec.key
    # each read out of the SQL by hand: from the scored cart's value back to the delivered column
    assert origins("scoring_snapshots", "cart_value") == {
        *("cart_operations.line_price", "cart_operations.line_quantity"),
    }
    assert {"events.price", "events.quantity", "candidate_items.price"} <= origins(
        "cart_operations", "line_price"
    )
    assert origins("events", "price") == {"candidate_events.price"}
    assert {"stg_canonical.price", "stg_ga4.price"} <= origins("candidate_events", "price")
    assert origins("stg_canonical", "price") == {"raw/canonical.price"}
    assert origins("carts", "cart_value_base") == {
        *("cart_lines.currency", "cart_lines.quantity", "cart_lines.unit_price"),
        *("cart_operations.cart_line_count", "currency_rates.rate", "log_currency.currency"),
    }
    assert origins("daily_funnel", "cart_count") == set()  # it counts rows
    status = next(
        each
        for each in catalogue.get(dg.AssetKey("carts")).metadata["dagster/column_schema"].columns
        if each.name == "order_id"
    )
    assert (
        status.description == "Id of the order that took it, or null. From order_events (order_id)."
    )


def test_every_check_has_a_name_that_is_not_cut_and_says_what_it_means(catalogue):
    assert len(catalogue.asset_check_keys) >= 60
    for key in catalogue.asset_check_keys:
        description = catalogue.get_check_spec(key).description
        assert description.startswith(("Fails if", "Stops the hour if", "A warning if")), key
        assert len(key.name) <= 25, key  # the UI cuts longer ones


def test_runs_whose_process_is_gone_are_reported_as_failed():
    with dg.DagsterInstance.ephemeral() as instance:
        for run_id, pid in (("dead", "999999999"), ("alive", "1"), ("other", None)):
            tags = {PID_TAG: pid} if pid else {}
            instance.add_run(
                dg.DagsterRun(
                    job_name="hourly",
                    run_id=run_id,
                    status=dg.DagsterRunStatus.STARTED,
                    tags=tags,
                )
            )
        fail_dead_runs(instance)
        statuses = {run.run_id: run.status.value for run in instance.get_runs()}
    assert statuses == {"dead": "FAILURE", "alive": "STARTED", "other": "STARTED"}
