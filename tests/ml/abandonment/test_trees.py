import numpy as np
import pytest

from ml.abandonment.recalibration import AGE_EDGES_HOURS


def test_contributions_and_the_calibrator_add_up_to_the_prediction(model, snapshots):
    rows = snapshots.head(50)
    contributions = model.contributions(rows)
    assert contributions.shape == (50, len(model.encoding.features))
    p, platt = model.predict(rows), model.scorer.platt
    age = np.searchsorted(AGE_EDGES_HOURS, rows["idle_hours"].to_numpy(), side="right")
    shifts = np.array(model.scorer.shifts.shifts)[age]
    logits = (np.log(p / (1 - p)) - shifts - platt.intercept) / platt.slope
    bias = logits - contributions.sum(axis=1)
    assert bias == pytest.approx(np.full(50, bias[0]), abs=1e-9)
