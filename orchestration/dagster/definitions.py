"""What Dagster loads: the asset graph, its jobs and when they run, for one home folder.

Belongs here: putting the parts together. Not here: any part.
"""

import json

import dagster as dg

from orchestration.dagster import asset_checks, assets, automation, output_copies
from orchestration.dagster.accept_job import ACCEPT
from orchestration.dagster.contact_assets import campaign_results_asset
from orchestration.dagster.dbt_assets import dbt_models, people_models
from orchestration.dagster.delivery_asset import delivered_exports_asset
from orchestration.dagster.erase_job import ERASE, ERASURE_KEY, no_subject
from orchestration.dagster.person_assets import person_models_asset, person_scores_asset
from orchestration.dagster.publication_asset import published_database_asset
from orchestration.dagster.run import RUN_KEY, run_resource
from orchestration.dagster.segment_assets import (
    members_are_people,
    segment_sizes_asset,
    sizes_are_steady,
)
from orchestration.dagster.shared import hourly_partitions
from orchestration.dagster.sqlite_tuning import tune_sqlite
from orchestration.ground.home import Home
from orchestration.ground.settings import load_settings
from orchestration.landing.locations import known_sources
from orchestration.modelling.training import ABANDONMENT, RETURN
from orchestration.warehouse import dbt_build


def build_definitions(home: Home) -> dg.Definitions:
    """Everything that works on the state under `home`.

    Raises:
        ComebackError: the settings are wrong, or dbt cannot parse its project.
    """
    home.prepare()
    tune_sqlite()
    output_copies.start_apart()
    settings = load_settings(home.root)
    sources = known_sources(home)
    manifest_path = dbt_build.prepare_manifest(home, settings)
    manifest = json.loads(manifest_path.read_bytes())
    hours = hourly_partitions(settings)
    return dg.Definitions(
        assets=[
            assets.raw_assets(sources),
            assets.watermark_asset(sources),
            dbt_models(manifest, hours),
            assets.model_asset(ABANDONMENT, hours),
            assets.model_asset(RETURN, hours),
            person_models_asset(hours),
            assets.models_asset(hours),
            assets.cart_scores_asset(hours, manifest),
            assets.score_outcomes_asset(hours),
            person_scores_asset(hours),
            people_models(manifest, hours),
            segment_sizes_asset(hours),
            assets.retargeting_export_asset(hours),
            campaign_results_asset(hours),
            published_database_asset(hours),
            delivered_exports_asset(hours),
        ],
        asset_checks=[*asset_checks.asset_checks(), members_are_people(), sizes_are_steady()],
        jobs=[*automation.JOBS, ACCEPT, ERASE],
        schedules=automation.schedules(home),
        sensors=automation.sensors(home, settings, sources),
        resources={RUN_KEY: run_resource(home), ERASURE_KEY: no_subject},
        executor=dg.in_process_executor,
    )


@dg.definitions
def definitions() -> dg.Definitions:
    """The definitions for `COMEBACK_HOME`."""
    return build_definitions(Home.from_environment())
