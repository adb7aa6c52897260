"""The step that delivers an hour."""

from contextlib import nullcontext
from types import SimpleNamespace

import dagster as dg
import pytest

from orchestration.dagster.delivery_asset import delivered_exports_asset
from orchestration.dagster.run import RUN_KEY
from orchestration.dagster.shared import hourly_partitions
from orchestration.ground.hours import END_OF_TIME
from orchestration.ground.settings import Settings
from tests.outputs.delivery.conftest import TEN, Shop


def materialize(shop: Shop, settings: Settings) -> tuple[dict, dg.AssetCheckEvaluation]:
    run = SimpleNamespace(
        home=shop.home,
        settings=settings,
        newest_possible_hour=END_OF_TIME,
        open_warehouse=lambda: nullcontext(shop.connection),
    )
    result = dg.materialize(
        [delivered_exports_asset(hourly_partitions(Settings()))],
        partition_key="2026-10-31-10:00",
        resources={RUN_KEY: dg.ResourceDefinition.hardcoded_resource(run)},
    )
    (event,) = result.asset_materializations_for_node("delivered_exports")
    (check,) = result.get_asset_check_evaluations()
    return {name: each.value for name, each in event.metadata.items()}, check


@pytest.mark.usefixtures("no_pauses")
def test_an_hour_is_delivered_and_what_failed_is_a_warning_that_stops_nothing(tmp_path):
    shop = Shop(tmp_path / "home")
    shop.export(TEN)
    values, check = materialize(shop, shop.settings())
    assert (values["addresses"], values["delivered_hours"], check.passed) == (0, 0, True)
    (tmp_path / "taken").write_text("")
    settings = shop.settings(email=str(tmp_path / "out"), google=str(tmp_path / "taken"))
    values, check = materialize(shop, settings)
    assert (values["addresses"], values["delivered_hours"]) == (2, 1)
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert check.description.startswith(f"1 hour was not delivered of google, the first {TEN} (")
