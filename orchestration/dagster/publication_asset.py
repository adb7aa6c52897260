"""The published database as an asset: the last step of an hour.

Belongs here: when it is published, and what the UI shows of it. Not here: writing the file
(`outputs.published_database`), or building the tables (`warehouse.people_build`).
"""

from functools import partial

import dagster as dg

from orchestration.dagster.assets import EXPORT_OP
from orchestration.dagster.person_assets import score_people
from orchestration.dagster.shared import OUTPUT_GROUP, by_the_hour, hour_of, materialized, run_of
from orchestration.ground import good_sources
from orchestration.outputs.published_database import headline_counts, publish
from orchestration.warehouse import database
from orchestration.warehouse.people_build import return_to
from orchestration.warehouse.score_tables import DBT_TABLES, SCORE_OUTCOMES


def published_database_asset(
    partitions: dg.PartitionsDefinition,
) -> dg.AssetsDefinition:
    """The database of the analysts; an hour is done with it."""

    @dg.asset(
        deps=[EXPORT_OP, "campaign_results", SCORE_OUTCOMES.name, "segment_sizes", *DBT_TABLES],
        group_name=OUTPUT_GROUP,
        description="published/analytics.duckdb and the page published/report.html, replaced whole"
        " at the end of an hour.",
        **by_the_hour(partitions),
    )
    def published_database(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        run, as_of = run_of(context), hour_of(context)
        with run.open_warehouse() as connection:
            newest = database.newest_scored_hour(connection, not_after=run.newest_possible_hour)
        if newest is not None and as_of < newest:
            return_to(run.home, run.settings, newest, partial(score_people, run))
        with run.finishing(), run.open_warehouse() as connection:
            rows = publish(
                connection,
                run.home.published,
                not_after=run.newest_possible_hour,
                report=run.home.report,
                exports=run.home.exports,
            )
            counts = headline_counts(connection)
        good_sources.remember(run.home)
        return materialized(
            context,
            {
                "report": dg.MetadataValue.path(run.home.report),
                "file": dg.MetadataValue.path(run.home.published),
                "rows": dg.MetadataValue.json(rows),
                **counts,
            },
        )

    return published_database
