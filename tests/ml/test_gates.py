"""What a learned model must pass before it serves."""

import re
from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from ml import abandonment, gates, return_time
from ml.abandonment.recalibration import AgePlatts
from ml.calibration import Platt
from ml.gates import refusals
from tests.ml.training import AS_OF, HORIZON, RETURN_AS_OF


@pytest.fixture(scope="module")
def frame(snapshots) -> pl.DataFrame:
    """The shop without its truth, with visits and enough people in every slice."""
    rng = np.random.default_rng(3)
    visits = pl.Series("visitor_session_count", rng.poisson(1.2, snapshots.height) + 1)
    return snapshots.drop("truth").with_columns(visits)


@pytest.fixture(scope="module")
def good(frame):
    return abandonment.train(frame, as_of=AS_OF, horizon=HORIZON)


@pytest.fixture(scope="module")
def scored(frame) -> pl.DataFrame:
    """Carts of the newest hour."""
    return frame.filter(pl.col("as_of") > AS_OF - timedelta(days=7))


def test_a_good_model_passes_the_first_and_the_next(good, frame, scored):
    assert refusals(good, frame, scored) == []
    assert refusals(good, frame, scored, served=good) == []


def test_a_model_that_learned_from_what_came_after_is_refused(frame, scored):
    converts = pl.col("converts_within_horizon")
    leaking = frame.with_columns(session_leak=converts.cast(pl.Float64))
    model = abandonment.train(leaking, as_of=AS_OF, horizon=HORIZON)
    (clause,) = refusals(model, leaking, scored.with_columns(session_leak=pl.lit(0.0)))
    assert clause == "session_leak alone has an AUC of 1.00, surely above 0.8"


def test_chances_that_are_surely_off_are_refused_at_every_age(good, frame):
    """Chances of buying more than twice too high."""
    platts = good.scorer.platts
    higher = (replace(each, intercept=each.intercept - 1.5) for each in platts.platts)
    off = replace(
        good,
        scorer=type(good.scorer)(good.scorer._text, replace(platts, platts=tuple(higher))),
    )
    clauses = refusals(off, frame)
    ages = [clause.split(",")[0] for clause in clauses if clause.startswith("idle")]
    assert ages == ["idle up to 1 h", "idle up to 24 h"]
    assert all("predicted over observed buying is " in clause for clause in clauses)


def test_a_model_off_in_one_slice_is_refused_and_names_it(good, frame):
    """It takes every shopper on a desktop for one on a mobile, whose carts are bought less."""

    class Confused:
        def predict(self, rows, encoding):
            is_desktop = (rows["device_type"] == "desktop").to_numpy()
            p = good.scorer.predict(rows, encoding)
            return np.where(is_desktop, 1 - (1 - p) / 3, p)

    confused = replace(good, scorer=Confused())
    clauses = refusals(confused, frame, served=good)
    slices = [clause for clause in clauses if clause.startswith("on ")]
    assert len(slices) == 2
    ratio = re.match(r"on desktop, predicted over observed buying is (0\.\d\d) \(0\.", slices[0])
    assert float(ratio[1]) == pytest.approx(1 / 3, abs=0.03)
    assert slices[1].startswith("on desktop, its log loss is +0.")


def test_a_fallback_passes_for_nothing_stands_below_it(frame, scored):
    fallback = abandonment.train(frame, as_of=AS_OF, horizon=HORIZON, refused="It knew too much.")
    assert fallback.card.is_fallback
    assert fallback.card.note == "Rates by idle time instead of a learned model: it knew too much."
    assert refusals(fallback, frame, scored) == []


def test_a_group_of_which_few_bought_or_should_have_says_nothing(good, frame, monkeypatch):
    few = frame.filter(pl.col("as_of") > AS_OF - timedelta(days=9))

    def refused_on_desktops(shift: float) -> bool:
        platts = AgePlatts((), (Platt(1.0, shift),))
        off = replace(good, scorer=type(good.scorer)(good.scorer._text, platts))
        return any(each.startswith("on desktop") for each in refusals(off, few))

    # far too few are expected, and few bought
    assert not refused_on_desktops(3.0)
    # far too many are expected
    assert refused_on_desktops(-3.0)
    monkeypatch.setattr(gates, "MIN_BUYERS", 0)
    assert refused_on_desktops(3.0)


def test_return_features_that_know_the_return_are_refused(sessions):
    model = return_time.train(sessions, as_of=RETURN_AS_OF)
    assert refusals(model, sessions) == []
    is_back = pl.col("is_returned") & (pl.col("duration_hours") <= 24)
    leaking = sessions.with_columns(session_leak=is_back.cast(pl.Int64))
    model = return_time.train(leaking, as_of=RETURN_AS_OF)
    clauses = refusals(model, leaking)
    assert "session_leak alone has an AUC of 1.00, surely above 0.8" in clauses


def test_a_return_model_that_is_off_out_of_time_is_refused(sessions):
    model = return_time.train(sessions, as_of=RETURN_AS_OF)
    metrics = model.card.metrics | {return_time.GAP_BEYOND_CHANCE: 0.06}
    assert refusals(replace(model, card=replace(model.card, metrics=metrics)), sessions) == [
        "out of time the mean return curve is surely 0.060 off the observed one, 0.05 is allowed"
    ]


def test_a_kaplan_meier_curve_is_judged_out_of_time(sessions):
    """From the middle on shoppers come back four times later: the curve is that of the newest."""
    middle = sessions["ended_at"].quantile(0.6, interpolation="nearest")
    later = pl.when(pl.col("ended_at") > middle).then(4.0).otherwise(1.0)
    end = RETURN_AS_OF
    so_far = (pl.lit(end) - pl.col("ended_at")).dt.total_microseconds() / 3.6e9
    shifted = sessions.with_columns(
        is_returned=pl.col("is_returned") & (pl.col("duration_hours") * later <= so_far),
        duration_hours=pl.min_horizontal(pl.col("duration_hours") * later, so_far),
    )
    steady = return_time.train(sessions, as_of=end, refused="It knew too much.")
    assert steady.card.metrics[return_time.GAP_BEYOND_CHANCE] < 0.05
    assert steady.card.row_count == sessions.height
    moved = return_time.train(shifted, as_of=end, refused="It knew too much.")
    assert moved.card.is_fallback
    assert moved.card.metrics[return_time.GAP_BEYOND_CHANCE] > 0.05
    assert moved.card.row_count < shifted.height * 0.45
    assert "Of the newest sessions alone: out of time the older ones were surely" in moved.card.note
    newest = shifted.filter(pl.col("ended_at") > middle)
    seen = newest.filter(pl.col("is_returned") | (pl.col("duration_hours") >= 24))
    share = (seen["duration_hours"] > 24).mean()
    p_back = moved.return_probabilities(
        newest.head(1).with_columns(elapsed_hours=pl.lit(0.0)), (24.0,)
    )
    assert 1 - p_back[0, 0] == pytest.approx(share, abs=0.02)


def test_a_return_model_off_for_new_visitors_is_refused_and_names_them(sessions):
    """It knows nothing of them, and they come back much less."""
    is_new = pl.col("session_id").hash(1) % 3 == 0
    slower = pl.when(is_new).then(40.0).otherwise(1.0)
    so_far = (pl.lit(RETURN_AS_OF) - pl.col("ended_at")).dt.total_microseconds() / 3.6e9
    mixed = sessions.with_columns(
        visitor_session_count=pl.when(is_new).then(1).otherwise(5),
        is_returned=pl.col("is_returned") & (pl.col("duration_hours") * slower <= so_far),
        duration_hours=pl.min_horizontal(pl.col("duration_hours") * slower, so_far),
    )
    knowing = return_time.train(mixed, as_of=RETURN_AS_OF)
    assert refusals(knowing, mixed) == []
    blind = return_time.train(mixed.drop("visitor_session_count"), as_of=RETURN_AS_OF)
    (of_new, *_) = refusals(blind, mixed)
    assert of_new.startswith("of new visitors, the mean return curve is surely 0.")
