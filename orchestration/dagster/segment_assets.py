"""The sizes of segments as an asset, and the check that they do not swing.

Belongs here: how the history of segments appears in Dagster. Not here: making it
(`warehouse.people_build`).
"""

import dagster as dg

from orchestration.dagster.run import RUN_KEY
from orchestration.dagster.shared import SCORES_GROUP, by_the_hour, hour_of, materialized, run_of
from orchestration.ground.hours import from_partition_key
from orchestration.warehouse import segment_history
from orchestration.warehouse.segment_tables import SEGMENT_SIZES


def segment_sizes_asset(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """How many people are in each segment, which the UI draws over time."""

    @dg.asset(
        name=SEGMENT_SIZES.name,
        deps=["segment_members"],
        group_name=SCORES_GROUP,
        description=SEGMENT_SIZES.description,
        **by_the_hour(partitions),
    )
    def segment_sizes(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        with run_of(context).open_warehouse() as connection:
            sizes = segment_history.sizes_at(connection, hour_of(context))
        return materialized(context, sizes)

    return segment_sizes


def members_are_people() -> dg.AssetChecksDefinition:
    """A query that names nobody is corrected; the hour goes on without."""

    @dg.asset_check(
        asset="segment_members",
        description="A warning if a segment names ids that are not in people: its query is wrong,"
        " and these are in no export.",
        required_resource_keys={RUN_KEY},
    )
    def segments_name_people(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        with run_of(context).open_warehouse() as connection:
            strangers = segment_history.strangers(connection)
        return dg.AssetCheckResult(
            passed=not strangers,
            severity=dg.AssetCheckSeverity.WARN,
            description="; ".join(map(str, strangers)) or None,
            metadata={"strangers": [str(each) for each in strangers]},
        )

    return segments_name_people


def sizes_are_steady() -> dg.AssetChecksDefinition:
    """A segment that swings is looked at; the hour goes on."""

    @dg.asset_check(
        asset=SEGMENT_SIZES.name,
        description="A warning if a segment grew or shrank by more than half within a day: its"
        " query, or the files behind it, changed.",
        required_resource_keys={RUN_KEY},
    )
    def segments_are_steady(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        hour = from_partition_key(context.run.tags["dagster/partition"])
        with run_of(context).open_warehouse() as connection:
            swings = segment_history.swings(connection, hour)
        return dg.AssetCheckResult(
            passed=not swings,
            severity=dg.AssetCheckSeverity.WARN,
            description="; ".join(map(str, swings)) or None,
            metadata={"swings": [str(each) for each in swings]},
        )

    return segments_are_steady
