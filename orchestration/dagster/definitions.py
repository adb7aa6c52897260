"""What Dagster loads: the asset graph, its jobs and when they run, for one home folder.

Belongs here: putting the parts together. Not here: any part.
"""

import json

import dagster as dg

from orchestration.dagster import (
    asset_checks,
    assets,
    automation,
    failure_words,
    model_page,
    output_copies,
)
from orchestration.dagster.accept_job import ACCEPT
from orchestration.dagster.asset_facts import with_facts
from orchestration.dagster.by_hand_jobs import BY_HAND_JOBS, BY_HAND_KEY, no_command
from orchestration.dagster.check_words import say_nothing_of_checks_not_asked, with_words
from orchestration.dagster.contact_assets import campaign_results_asset
from orchestration.dagster.dbt_assets import dbt_models, people_models
from orchestration.dagster.delivery_asset import delivered_exports_asset
from orchestration.dagster.erase_job import ERASE, ERASURE_KEY, no_subject
from orchestration.dagster.event_writes import write_in_few_statements
from orchestration.dagster.person_assets import person_models_asset, person_scores_asset
from orchestration.dagster.publication_asset import published_database_asset
from orchestration.dagster.run import RUN_KEY, run_resource
from orchestration.dagster.score_checks import score_checks
from orchestration.dagster.segment_assets import (
    members_are_people,
    segment_sizes_asset,
    sizes_are_steady,
)
from orchestration.dagster.shared import hourly_partitions, log_begins
from orchestration.dagster.sqlite_tuning import tune_sqlite
from orchestration.dagster.without_dbt import selections_kept
from orchestration.ground.home import Home
from orchestration.ground.settings import load_settings
from orchestration.landing.locations import known_sources
from orchestration.modelling.model_store import ModelStore
from orchestration.modelling.training import LEARNERS
from orchestration.warehouse import dbt_build
from orchestration.warehouse.column_lineage import column_lineage


def build_definitions(home: Home, *, for_ui: bool = False) -> dg.Definitions:
    """Everything that works on the state under `home`.

    Args:
        home: whose state.
        for_ui: whether people look at it: then the catalogue says more, hours begin with the log,
            and a model's page with its pictures. A command needs none of it, and may score any
            hour since `partitions_start`.

    Raises:
        ComebackError: the settings are wrong, or dbt cannot parse its project.
    """
    home.prepare()
    tune_sqlite()
    write_in_few_statements()
    output_copies.start_apart()
    failure_words.say_reasons_first(home)
    say_nothing_of_checks_not_asked()
    settings = load_settings(home.root)
    sources = known_sources(home)
    manifest_path = dbt_build.prepare_manifest(home, settings)
    manifest = with_words(json.loads(manifest_path.read_bytes()))
    hours = hourly_partitions(settings, log_begins(home) if for_ui else None)
    texts = {
        each.name: model_page.description(each.name, ModelStore(home.models)) if for_ui else ""
        for each in LEARNERS
    }
    with selections_kept(home.dbt):
        of_dbt, of_people = dbt_models(manifest, hours), people_models(manifest, hours)
    made = [
        assets.raw_assets(sources),
        assets.watermark_asset(sources),
        of_dbt,
        *(assets.model_asset(each, hours, texts[each.name]) for each in LEARNERS),
        person_models_asset(hours),
        assets.models_asset(hours),
        assets.cart_scores_asset(hours, manifest),
        assets.score_outcomes_asset(hours),
        person_scores_asset(hours),
        of_people,
        segment_sizes_asset(hours),
        assets.retargeting_export_asset(hours),
        campaign_results_asset(hours),
        published_database_asset(hours),
        delivered_exports_asset(hours),
    ]
    if for_ui:
        made = with_facts(made, manifest, sources, column_lineage(home, settings, manifest))
    return dg.Definitions(
        assets=made,
        asset_checks=[
            *asset_checks.asset_checks(),
            *score_checks(),
            members_are_people(),
            sizes_are_steady(),
        ],
        jobs=[*automation.JOBS, ACCEPT, ERASE, *BY_HAND_JOBS],
        schedules=automation.schedules(home),
        sensors=automation.sensors(home, settings, sources),
        resources={
            RUN_KEY: run_resource(home),
            ERASURE_KEY: no_subject,
            BY_HAND_KEY: no_command,
        },
        executor=dg.in_process_executor,
    )


@dg.definitions
def definitions() -> dg.Definitions:
    """The definitions for `COMEBACK_HOME`."""
    return build_definitions(Home.from_environment(), for_ui=True)
