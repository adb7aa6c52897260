"""The step after an hour: its exports, brought to where tools take them from.

Belongs here: the asset and its check. Not here: what is delivered, in which order, and what is
tried again (`outputs.delivery`).

It comes after publication, which no slow server may hold up.
"""

import dagster as dg

from orchestration.dagster.assets import EXPORT_OP
from orchestration.dagster.shared import OUTPUT_GROUP, by_the_hour, hour_of, run_of
from orchestration.outputs import delivery

ASSET = "delivered_exports"
CHECK = "all_is_delivered"


def delivered_exports_asset(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """The files of the hour at every address of the settings."""

    @dg.asset(
        name=ASSET,
        deps=[EXPORT_OP, "published_database"],
        group_name=OUTPUT_GROUP,
        description="The hour's exports at the addresses of deliver_to, the manifest at notify.",
        check_specs=[
            dg.AssetCheckSpec(
                CHECK,
                asset=ASSET,
                description="A warning if an export did not arrive at its address: the next hour"
                " brings it first, or `comeback deliver` now.",
            )
        ],
        **by_the_hour(partitions),
    )
    def delivered_exports(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        run = run_of(context)
        outcomes = []
        if any(each.deliver_to for each in run.settings.exports.values()) or run.settings.notify:
            with run.open_warehouse() as connection:
                outcomes = delivery.deliver(
                    connection,
                    run.home,
                    run.settings,
                    hour_of(context),
                    not_after=run.newest_possible_hour,
                )
        wrong = delivery.undelivered(run.home) if outcomes else []
        return dg.MaterializeResult(
            metadata={
                "addresses": len(outcomes),
                "delivered_hours": sum(len(each.hours) for each in outcomes),
            },
            check_results=[
                dg.AssetCheckResult(
                    check_name=CHECK,
                    passed=not wrong,
                    severity=dg.AssetCheckSeverity.WARN,
                    description="; ".join(wrong) or None,
                    metadata={"undelivered": wrong},
                )
            ],
        )

    return delivered_exports
