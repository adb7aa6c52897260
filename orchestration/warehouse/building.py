"""How far a dbt build is, out of what dbt says while it runs.

Belongs here: counting its nodes. Not here: running dbt (`dbt_build`).
"""

from typing import TYPE_CHECKING

from orchestration.ground.progress import Work

if TYPE_CHECKING:
    from dbt_common.events.base_types import EventMsg


def follow(building: Work, message: "EventMsg") -> None:
    """Count a node that ended; how many there are, ephemeral ones aside, each says as it begins."""
    match message.info.name:
        case "LogStartLine":
            building.total = message.data.total
        # ephemeral ones, such as segments, end too, and are not of the total
        case "NodeFinished" if message.data.node_info.materialized != "ephemeral":
            building.advance()
