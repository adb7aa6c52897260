"""How far a build is, as dbt says it."""

from types import SimpleNamespace

from orchestration.ground.progress import Work
from orchestration.warehouse.building import follow


def said(name: str, **data) -> SimpleNamespace:
    return SimpleNamespace(info=SimpleNamespace(name=name), data=SimpleNamespace(**data))


def finished(materialized: str) -> SimpleNamespace:
    return said("NodeFinished", node_info=SimpleNamespace(materialized=materialized))


def test_nodes_that_ended_are_counted_of_as_many_as_there_are():
    building = Work("Building", None, "nodes")
    for message in (
        said("MainReportVersion"),
        finished("ephemeral"),
        said("LogStartLine", index=1, total=113),
        finished("rebuilt"),
        finished("ephemeral"),
        said("LogStartLine", index=2, total=113),
        finished("test"),
    ):
        follow(building, message)
    assert (building.done, building.total) == (2, 113)
