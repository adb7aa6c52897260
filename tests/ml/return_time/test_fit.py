from datetime import timedelta

import lifelines
import numpy as np
import polars as pl
import pytest

from ml import return_time
from ml.features import FeatureError
from ml.return_time import fit
from ml.return_time.sessions import durations_on_grid, known_at, start_of_test
from tests.ml.training import RETURN_AS_OF, START, away_for


def test_scores_are_those_of_lifelines(model, sessions):
    rows = known_at(sessions, RETURN_AS_OF)
    fitter = fit.fit_cox(rows, fit.standardisation(rows))
    some = rows[::100]
    inputs = pl.DataFrame(
        model.curve.standardised(some), schema=list(model.curve.features)
    ).to_pandas()
    times = [1 / 12, 0.5, 4.0, 8.0, 24.0, 72.0, 168.0, 500.0]
    ours = model.curve.survival(some, times)
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
    assert model.card.metrics["concordance"] > 0.65
    assert abs(model.card.metrics["kaplan_meier_gap"]) < 0.06


def test_the_observed_curve_of_the_card_has_the_band_of_lifelines(model, sessions):
    rows = known_at(sessions, RETURN_AS_OF)
    test = rows.filter(pl.col("ended_at") >= start_of_test(rows))
    fitter = lifelines.KaplanMeierFitter().fit(*durations_on_grid(test))
    for row in model.card.tables["return_curve"]:
        at = fitter.confidence_interval_.loc[: row["hours"]].iloc[-1]
        assert (row["kaplan_meier_low"], row["kaplan_meier_high"]) == pytest.approx(at, abs=1e-6)
        assert row["kaplan_meier_low"] < row["kaplan_meier"] < row["kaplan_meier_high"]


def test_too_few_sessions_fall_back_to_kaplan_meier(sessions):
    few = sessions.head(99)
    model = return_time.train(few, as_of=RETURN_AS_OF)
    assert model.card.kind == "fallback"
    assert model.card.note.startswith(
        "One Kaplan-Meier curve for all instead of a learned model: 99 sessions with"
    )
    assert model.curve.features == ()
    durations, is_returned = durations_on_grid(known_at(few, RETURN_AS_OF))
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
    model = return_time.train(rows, as_of=RETURN_AS_OF)
    assert model.card.is_fallback
    assert "off the observed one, 0.02 is allowed" in model.card.note


def test_people_are_drawn_whole_when_sessions_are_too_many(sessions, monkeypatch):
    monkeypatch.setattr(fit, "MAX_SESSIONS", 1000)
    drawn = fit.sample_people(sessions)
    assert 850 < drawn.height < 1150
    left = sessions.join(drawn, on="session_id", how="anti")
    assert set(drawn["visitor_id"]).isdisjoint(left["visitor_id"])
    assert drawn.equals(fit.sample_people(sessions.reverse()).reverse())


def test_a_text_feature_is_refused_by_name(sessions):
    with pytest.raises(FeatureError, match="'device_type' is String, a numeric column is needed"):
        return_time.train(sessions.with_columns(device_type=pl.lit("mobile")), as_of=RETURN_AS_OF)


def test_what_a_log_of_hours_cannot_show_is_left_out_of_its_card(sessions):
    rows = sessions.head(900)
    start = rows["ended_at"].min()
    hours = pl.int_range(pl.len()) * 1.0 / pl.len()
    # all come back after the same time, in a log that ends before the first horizon
    alike = rows.with_columns(
        ended_at=start + pl.duration(seconds=(hours * 8 * 3600).cast(pl.Int64)),
        duration_hours=pl.lit(0.5),
        is_returned=pl.lit(True),
    )
    model = return_time.train(alike, as_of=start + timedelta(hours=9))
    assert "concordance" not in model.card.metrics
    assert "kaplan_meier_gap" not in model.card.metrics
    assert model.card.metrics["test_sessions"] > 0
    assert model.card.tables["return_curve"] == []
