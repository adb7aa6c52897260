from datetime import datetime, timedelta

import lifelines
import numpy as np
import polars as pl
import pytest

from ml import return_time
from ml.features import FeatureError
from ml.return_time import GRID_HOURS, Curve, ReturnModel

START = datetime.fromisoformat("2026-01-01")
AS_OF = START + timedelta(days=40)


@pytest.fixture(scope="module")
def model(sessions):
    return return_time.train(sessions, as_of=AS_OF)


def away_for(sessions: pl.DataFrame, hours: float) -> pl.DataFrame:
    return sessions.drop("duration_hours", "is_returned").with_columns(elapsed_hours=pl.lit(hours))


def by_hand(hours, hazard) -> ReturnModel:
    curve = Curve((), (), (), (), (), (), (), 0.0, tuple(hours), tuple(hazard))
    return ReturnModel(card=None, curve=curve)


def test_scores_are_those_of_lifelines(model, sessions):
    rows = return_time.known_at(sessions, AS_OF)
    fitter = return_time.fit_cox(rows, return_time.standardisation(rows))
    some = rows[::100]
    inputs = pl.DataFrame(
        model.curve.standardised(some), schema=list(model.curve.features)
    ).to_pandas()
    times = [1 / 12, 0.5, 4.0, 8.0, 24.0, 72.0, 168.0, 500.0]
    ours = model.curve.away(some, times)
    theirs = fitter.predict_survival_function(inputs, times=times).to_numpy().T
    assert ours == pytest.approx(theirs, abs=1e-6)

    elapsed = np.full(some.height, 30.0)
    conditional = fitter.predict_survival_function(
        inputs, times=[4.0, 24.0, 168.0], conditional_after=elapsed
    )
    back = model.return_probabilities(away_for(some, 30.0), [4.0, 24.0, 168.0])
    assert 1 - back == pytest.approx(conditional.to_numpy().T, abs=1e-6)


def test_the_coefficients_of_the_truth_are_found(model, sessions):
    assert model.card.kind == "cox"
    effects = dict(zip(model.curve.features, model.curve.coefficients, strict=True))
    clipped = np.clip(
        sessions["session_liking"], *np.quantile(sessions["session_liking"], [0.01, 0.99])
    )
    assert effects["session_liking"] == pytest.approx(0.8 * clipped.std(), abs=0.1)
    assert "session_constant" not in effects
    assert model.card.figures["concordance"] > 0.65
    assert abs(model.card.figures["kaplan_meier_gap"]) < 0.06


def test_nobody_comes_back_less_by_waiting_longer(model, sessions):
    hours = [0.0, *GRID_HOURS[::50], 720.0, 5000.0]
    away = model.curve.away(sessions.head(50), hours)
    assert (np.diff(away, axis=1) <= 0).all()
    assert (away[:, 0] == 1).all()
    assert (away[:, -1] == away[:, -2]).all()


def test_durations_are_rounded_up_to_the_grid():
    assert len(GRID_HOURS) == 1968
    rows = pl.DataFrame({"duration_hours": [1e-6, 1 / 12, 0.1, 24.01, 170.2, 720.0]}).with_columns(
        is_returned=True
    )
    durations, _ = return_time.outcomes_on_grid(rows)
    assert durations.tolist() == pytest.approx([1 / 12, 1 / 12, 2 / 12, 24.25, 170.5, 720.0])


def test_a_return_after_the_hour_is_not_known_at_the_hour():
    rows = pl.DataFrame(
        {
            "session_id": ["a", "b", "c", "d"],
            "ended_at": [START, START, START + timedelta(hours=9), START - timedelta(days=40)],
            "duration_hours": [4.0, 12.0, 2.0, 900.0],
            "is_returned": [True, True, True, True],
        }
    )
    known = return_time.known_at(rows, START + timedelta(hours=8))
    assert known.select("session_id", "duration_hours", "is_returned").rows() == [
        ("d", 720.0, False),
        ("a", 4.0, True),
        ("b", 8.0, False),
    ]


def test_conditioning_on_the_hours_gone_beats_not_conditioning(model, sessions):
    gone = sessions.filter(
        pl.col("duration_hours") > 72, pl.col("ended_at") < AS_OF - timedelta(days=10)
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
    expected = model.expected_return_hours(frame)
    assert np.isnan(expected).tolist() == [False, False, True, True]


def test_the_expected_return_is_the_median_of_those_back_within_the_week():
    # P(back within 10 h) = 0.2, within 168 h = 0.5: half of that, 0.25, lies on the second piece.
    model = by_hand([0.0, 10.0, 168.0], [0.0, -np.log(0.8), -np.log(0.5)])
    frame = pl.DataFrame({"elapsed_hours": [0.0, 10.0]})
    hours = model.expected_return_hours(frame)
    pace = (np.log(0.8) - np.log(0.5)) / 158
    assert hours[0] == pytest.approx(10 + (np.log(0.8) - np.log(0.75)) / pace)
    for share in (0.2, 0.5, 0.8):
        at = model.return_share_hours(frame, share)
        for row in range(2):
            one = frame[row]
            within = model.return_probabilities(one, [at[row], 168.0])[0]
            assert within[0] == pytest.approx(share * within[1])


def test_waiting_over_a_flat_stretch_ends_where_the_curve_moves_again():
    model = by_hand([0.0, 10.0, 20.0, 30.0], [0.0, 0.1, 0.1, 0.2])
    frame = pl.DataFrame({"elapsed_hours": [12.0]})
    assert model.return_share_hours(frame, 1e-9) == pytest.approx([8.0], abs=1e-3)


def test_a_saved_and_loaded_model_predicts_the_same_bits(model, sessions):
    loaded = ReturnModel.from_files(model.to_files())
    frame = away_for(sessions.head(100), 5.0)
    assert loaded.card == model.card
    ours, theirs = model.return_probabilities(frame), loaded.return_probabilities(frame)
    assert ours.tobytes() == theirs.tobytes()


def test_the_same_sessions_in_another_order_make_the_same_bytes(model, sessions):
    shuffled = sessions.sample(fraction=1.0, shuffle=True, seed=1)
    assert return_time.train(shuffled, as_of=AS_OF).to_files() == model.to_files()


def test_a_null_counts_as_the_median(model, sessions):
    frame = away_for(sessions.head(1), 5.0)
    position = model.curve.features.index("session_liking")
    null = frame.with_columns(session_liking=pl.lit(None, dtype=pl.Float64))
    median = frame.with_columns(session_liking=pl.lit(model.curve.medians[position]))
    assert model.return_probabilities(null).tolist() == model.return_probabilities(median).tolist()


def test_too_few_sessions_fall_back_to_kaplan_meier(sessions):
    few = sessions.head(99)
    model = return_time.train(few, as_of=AS_OF)
    assert model.card.kind == "fallback"
    assert model.card.note.startswith(
        "One Kaplan-Meier curve for all instead of a learned model: 99 sessions with"
    )
    assert model.curve.features == ()
    durations, is_returned = return_time.outcomes_on_grid(return_time.known_at(few, AS_OF))
    fitter = lifelines.KaplanMeierFitter().fit(durations, is_returned)
    observed = fitter.survival_function_at_times([4.0, 24.0, 168.0]).to_numpy()
    back = model.return_probabilities(away_for(few.head(1), 0.0), [4.0, 24.0, 168.0])[0]
    assert 1 - back == pytest.approx(observed, abs=0.02)  # straight between steps


def test_a_model_that_strays_from_what_was_observed_is_not_used():
    rng = np.random.default_rng(4)
    # Those who like it most return at once or never: hazards that are far from proportional.
    liking = rng.exponential(3.0, 3000)
    at_once = rng.uniform(size=3000) < liking / 12
    back = np.where(at_once, 1.0, np.where(liking > 3, 9999.0, 24 + rng.exponential(30, 3000)))
    rows = pl.DataFrame(
        {
            "session_id": [f"s{i}" for i in range(3000)],
            "visitor_id": [f"v{i}" for i in range(3000)],
            "owner_id": pl.Series([None] * 3000, dtype=pl.String),
            "ended_at": [START] * 3000,
            "duration_hours": np.minimum(back, 700.0),
            "is_returned": back < 700,
            "session_liking": liking,
        }
    )
    model = return_time.train(rows, as_of=AS_OF)
    assert model.card.is_fallback
    assert "off the observed one, 0.02 is allowed" in model.card.note


def test_no_session_at_all_promises_nobody(sessions):
    model = return_time.train(sessions.clear(), as_of=AS_OF)
    assert model.card.is_fallback
    frame = away_for(sessions.head(1), 0.0)
    assert model.return_probabilities(frame).tolist() == [[0.0] * 5]
    assert np.isnan(model.expected_return_hours(frame)).all()


def test_people_are_drawn_whole_when_sessions_are_too_many(sessions, monkeypatch):
    monkeypatch.setattr(return_time, "MAX_SESSIONS", 1000)
    drawn = return_time.draw_people(sessions)
    assert 850 < drawn.height < 1150
    left = sessions.join(drawn, on="session_id", how="anti")
    assert set(drawn["visitor_id"]).isdisjoint(left["visitor_id"])
    assert drawn.equals(return_time.draw_people(sessions.reverse()).reverse())


def test_a_text_feature_is_refused_by_name(sessions):
    with pytest.raises(FeatureError, match="'device_type' is String, a numeric column is needed"):
        return_time.train(sessions.with_columns(device_type=pl.lit("mobile")), as_of=AS_OF)
