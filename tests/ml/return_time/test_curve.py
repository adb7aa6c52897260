import numpy as np

from ml.return_time.sessions import GRID_HOURS


def test_nobody_comes_back_less_by_waiting_longer(model, sessions):
    hours = [0.0, *GRID_HOURS[::50], 720.0, 5000.0]
    away = model.curve.survival(sessions.head(50), hours)
    assert (np.diff(away, axis=1) <= 0).all()
    assert (away[:, 0] == 1).all()
    assert (away[:, -1] == away[:, -2]).all()
