"""The night after a shift: the model in use is brought to the newest days, whatever is learned."""

import re
from datetime import timedelta

import polars as pl
import pytest

from ml import gates
from orchestration.modelling.model_store import ModelStore
from orchestration.modelling.score_health import REFERENCE
from orchestration.modelling.training import ABANDONMENT, champion, recalibrate
from tests.ml.conftest import make_snapshots
from tests.ml.training import AS_OF, START
from tests.modelling.test_refused_models import learned, warehouse_with

SHIFT = START + timedelta(days=38)


@pytest.fixture(scope="module")
def shop() -> pl.DataFrame:
    """A shop in which more than half of the buyers stop to buy."""
    frame = make_snapshots(6000, days=62).drop("truth")
    gives_up = (pl.col("last_touched_at") >= SHIFT) & (pl.col("cart_id").hash(1) % 100 >= 45)
    return frame.with_columns(converts_within_horizon=pl.col("converts_within_horizon") & ~gives_up)


def brought(frame: pl.DataFrame, model_store: ModelStore, days: int):
    """The card and the decision of the model in use, brought to newer days so many days later."""
    with warehouse_with(frame) as connection:
        return recalibrate(connection, model_store, AS_OF + timedelta(days=days))


@pytest.mark.heavy
def test_the_model_in_use_is_brought_to_the_newest_days_and_that_is_written_down(shop, tmp_path):
    model_store = ModelStore(tmp_path)
    before = (SHIFT - AS_OF) // timedelta(days=1)
    first, _ = learned(shop, model_store, before)
    challenger, decision = learned(shop, model_store, before + 12, retrain=True)
    decisions = model_store.decisions("abandonment")
    (again,) = [
        each
        for each in model_store.cards("abandonment")
        if each.params.get("learned_as") == first.model_id
    ]
    taken = decisions[again.model_id]
    assert taken.is_promoted
    ratios = re.match(
        r"Brought to the days from 2026-02-\d\d to 2026-02-16, predicted over observed buying goes"
        r" from (\d\.\d\d), surely off, to (\d\.\d\d)\. The challenger's log loss is lower: ",
        taken.reason,
    )
    assert float(ratios[1]) > 1.7
    assert float(ratios[2]) == pytest.approx(1, abs=0.1)
    # what was learned that night is compared with the model as it is now
    assert decision.model_id == challenger.model_id != again.model_id
    served = champion(model_store, ABANDONMENT, AS_OF)
    assert served.card.model_id == (challenger.model_id if decision.is_promoted else again.model_id)
    # without learning anything the same comes of it
    alone = ModelStore(tmp_path / "alone")
    assert learned(shop, alone, before)[0] == first
    only, decision = brought(shop, alone, before + 12)
    assert (only.model_id, decision.reason) == (again.model_id, taken.reason)
    assert alone.champion("abandonment") == again.model_id
    assert alone.versions("abandonment") == sorted([first.model_id, again.model_id])
    # what it scored then is on its card
    assert only.params[REFERENCE]["columns"].keys() == first.params[REFERENCE]["columns"].keys()
    # and done once more it is no better
    assert brought(shop, alone, before + 12) == (only, None)
    # done again, the night decides the same
    assert learned(shop, model_store, before + 12, retrain=True)[0] == challenger
    assert model_store.champion("abandonment") == served.card.model_id
    assert model_store.decisions("abandonment").keys() == decisions.keys()


@pytest.mark.heavy
def test_one_that_a_gate_refuses_is_not_taken(shop, tmp_path, monkeypatch):
    pass_gates = gates.refusals

    def refuse_recalibrated(model, *frames):
        is_recalibrated = "learned_as" in model.card.params
        return ["it is off on mobile"] if is_recalibrated else pass_gates(model, *frames)

    monkeypatch.setattr(gates, "refusals", refuse_recalibrated)
    model_store = ModelStore(tmp_path)
    before = (SHIFT - AS_OF) // timedelta(days=1)
    first, _ = learned(shop, model_store, before)
    challenger, decision = learned(shop, model_store, before + 12, retrain=True)
    refused = [
        each
        for each in model_store.decisions("abandonment").values()
        if each.reason == "refused: it is off on mobile"
    ]
    assert [each.is_promoted for each in refused] == [False]
    taken = challenger.model_id if decision.is_promoted else first.model_id
    assert model_store.champion("abandonment") == taken
