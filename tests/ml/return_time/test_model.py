from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from ml import return_time
from ml.return_time import ReturnModel
from ml.return_time.curve import Curve
from tests.ml.training import RETURN_AS_OF, away_for


def by_hand(hours, hazard) -> ReturnModel:
    curve = Curve((), (), (), (), (), (), (), 0.0, tuple(hours), tuple(hazard))
    return ReturnModel(card=None, curve=curve)


def test_conditioning_on_the_hours_gone_beats_not_conditioning(model, sessions):
    gone = sessions.filter(
        pl.col("duration_hours") > 72, pl.col("ended_at") < RETURN_AS_OF - timedelta(days=10)
    )
    back = (gone["is_returned"] & (gone["duration_hours"] <= 72 + 168)).to_numpy().astype(float)
    conditional = model.return_probabilities(away_for(gone, 72.0), [168.0])[:, 0]
    unconditional = model.return_probabilities(away_for(gone, 0.0), [168.0])[:, 0]
    assert ((conditional - back) ** 2).mean() < ((unconditional - back) ** 2).mean()
    assert conditional.mean() == pytest.approx(back.mean(), abs=0.05)
    assert unconditional.mean() > back.mean() + 0.05


def test_the_curve_is_flat_beyond_the_last_time_seen():
    model = by_hand([0.0, 10.0, 100.0], [0.0, 0.5, 1.0])
    frame = pl.DataFrame({"elapsed_hours": [0.0, 95.0, 100.0, 5000.0]})
    p = model.return_probabilities(frame, [200.0])[:, 0]
    last_bit = 0.5 * 5 / 90
    assert p == pytest.approx([1 - np.exp(-1), 1 - np.exp(-last_bit), 0.0, 0.0])
    expected = model.absences(frame).expected_return_hours()
    assert np.isnan(expected).tolist() == [False, False, True, True]


def test_a_chance_of_none_has_no_sign():
    # as where nobody was ever seen to return
    model = by_hand([0.0, 1.0, 24.25, 168.5], [-0.0] * 4)
    p = model.return_probabilities(pl.DataFrame({"elapsed_hours": [0.5, 25.0]}))
    assert not p.any()
    assert not np.signbit(p).any()


def test_the_expected_return_is_the_median_of_those_back_within_the_week():
    # P(back within 10 h) = 0.2, within 168 h = 0.5: half of that, 0.25, lies on the second piece.
    model = by_hand([0.0, 10.0, 168.0], [0.0, -np.log(0.8), -np.log(0.5)])
    frame = pl.DataFrame({"elapsed_hours": [0.0, 10.0]})
    hours = model.absences(frame).expected_return_hours()
    pace = (np.log(0.8) - np.log(0.5)) / 158
    assert hours[0] == pytest.approx(10 + (np.log(0.8) - np.log(0.75)) / pace)
    for share in (0.2, 0.5, 0.8):
        at = model.absences(frame).return_share_hours(share)
        for row in range(2):
            one = frame[row]
            within = model.return_probabilities(one, [at[row], 168.0])[0]
            assert within[0] == pytest.approx(share * within[1])


def test_waiting_over_a_flat_stretch_ends_where_the_curve_moves_again():
    model = by_hand([0.0, 10.0, 20.0, 30.0], [0.0, 0.1, 0.1, 0.2])
    frame = pl.DataFrame({"elapsed_hours": [12.0]})
    assert model.absences(frame).return_share_hours(1e-9) == pytest.approx([8.0], abs=1e-3)


def test_a_saved_and_loaded_model_predicts_the_same_bits(model, sessions):
    loaded = ReturnModel.from_files(model.to_files())
    frame = away_for(sessions.head(100), 5.0)
    assert loaded.card == model.card
    ours, theirs = model.return_probabilities(frame), loaded.return_probabilities(frame)
    assert ours.tobytes() == theirs.tobytes()


def test_the_same_sessions_in_another_order_make_the_same_bytes(model, sessions):
    shuffled = sessions.sample(fraction=1.0, shuffle=True, seed=1)
    assert return_time.train(shuffled, as_of=RETURN_AS_OF).to_files() == model.to_files()


def test_a_null_counts_as_the_median(model, sessions):
    frame = away_for(sessions.head(1), 5.0)
    position = model.curve.features.index("session_liking")
    null = frame.with_columns(session_liking=pl.lit(None, dtype=pl.Float64))
    median = frame.with_columns(session_liking=pl.lit(model.curve.medians[position]))
    assert model.return_probabilities(null).tolist() == model.return_probabilities(median).tolist()


def test_without_any_session_no_return_is_predicted(sessions):
    model = return_time.train(sessions.clear(), as_of=RETURN_AS_OF)
    assert model.card.is_fallback
    frame = away_for(sessions.head(1), 0.0)
    assert model.return_probabilities(frame).tolist() == [[0.0] * 5]
    assert np.isnan(model.absences(frame).expected_return_hours()).all()
