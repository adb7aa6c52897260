"""What every learned model must pass before it may serve, the first one too.

What belongs here: the gates, and why a model is refused, in plain words. What does not: whether it
is better than the one in use (``promotion``), or what serves instead. A fallback passes: nothing
stands below it.

Whatever is judged is judged with an interval that counts people (``intervals``): a model is refused
where it is surely wrong, not where little is known.
"""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import polars as pl

from ml import abandonment, evaluation, return_time
from ml.abandonment import AbandonmentModel
from ml.features import FeatureError, feature_columns, numeric_matrix, person_id
from ml.horizons import HORIZONS_HOURS
from ml.intervals import groups_of, interval
from ml.leaks import Rows, leaks
from ml.outcomes import AGE_EDGES_HOURS, MIN_BUYERS, buying_ratio, is_surely_off
from ml.return_time import ReturnModel
from ml.split import cart_weights

# Predicted over observed buying, by age and in every slice: at most so many times, or one in so
# many.
MAX_CALIBRATION_RATIO = 1.5
# How much higher the log loss may be in a slice than the served model's, in nats.
MAX_WORSE_IN_A_SLICE = 0.005
# The mean return curve against the observed one, out of time and beyond chance.
MAX_RETURN_GAP = return_time.MAX_GAP_OUT_OF_TIME
# The same in a slice, on the newest sessions.
MAX_RETURN_GAP_IN_A_SLICE = 0.1
MIN_SESSIONS_IN_A_SLICE = 100
# A shopper who is back within this time of a session's end: what no feature may know.
BACK_WITHIN_HOURS = 24.0


def refusals(
    model: AbandonmentModel | ReturnModel,
    frame: pl.DataFrame,
    scored: pl.DataFrame | None = None,
    served: AbandonmentModel | ReturnModel | None = None,
) -> list[str]:
    """Why a model may not serve, a clause each; none if it may.

    Args:
        model: the model that was learned from the frame.
        frame: labelled rows as for ``train``.
        scored: the rows of the newest hour, with the same features.
        served: the model in use.

    Raises:
        FeatureError: if the model cannot score the frame.
    """
    if model.card.is_fallback:
        return []
    if isinstance(model, AbandonmentModel):
        newest = model.newest_rows(frame)
        # one that was brought to newer days is worse on older ones, as it should be
        compared = newest if "learned_as" in model.card.params else model.test_rows(frame)
        return [
            *_leaks_of_snapshots(model, frame, scored),
            *_chances_off(model, newest),
            *_slices_worse(model, compared, served),
        ]
    return [*_leaks_of_returns(model, frame, scored), *_gaps_of_returns(model, frame)]


def _leaks_of_snapshots(
    model: AbandonmentModel, frame: pl.DataFrame, scored: pl.DataFrame | None
) -> list[str]:
    horizon = timedelta(hours=model.card.params["horizon_hours"])
    rows = abandonment.matured(frame, as_of=model.card.trained_as_of, horizon=horizon)

    def looked_at(rows: pl.DataFrame, weights: np.ndarray) -> Rows:
        strata = np.searchsorted(
            abandonment.IDLE_EDGES_HOURS, abandonment.idle_hours(rows), "right"
        )
        return Rows(model.encoding.matrix(rows), weights, strata, _groups(rows))

    there = scored is not None and scored.height > 0
    return leaks(
        model.encoding.features,
        looked_at(rows, cart_weights(rows)),
        1 - abandonment.abandoned(rows),
        looked_at(scored, np.ones(scored.height)) if there else None,
        _people(scored) if there else 0,
    )


def _leaks_of_returns(
    model: ReturnModel, frame: pl.DataFrame, scored: pl.DataFrame | None
) -> list[str]:
    rows = return_time.known_at(frame, model.card.trained_as_of).filter(
        pl.col("is_returned") | (pl.col("duration_hours") >= BACK_WITHIN_HOURS)
    )
    is_back = rows["is_returned"] & (rows["duration_hours"] <= BACK_WITHIN_HOURS)
    features = feature_columns(rows)

    def looked_at(rows: pl.DataFrame) -> Rows:
        matrix = numeric_matrix(rows, features)
        every = np.ones(rows.height)
        return Rows(matrix, every, np.zeros(rows.height, dtype=np.int64), _groups(rows))

    there = scored is not None and scored.height > 0
    return leaks(
        features,
        looked_at(rows),
        is_back.cast(pl.Float64).to_numpy(),
        looked_at(scored) if there else None,
        _people(scored) if there else 0,
    )


def _chances_off(model: AbandonmentModel, rows: pl.DataFrame) -> Iterator[str]:
    """Calibration by age and in slices, on the days whose level the chances were brought to."""
    bought = 1 - abandonment.abandoned(rows)
    p_buy = 1 - model.predict(rows)
    weights, groups = cart_weights(rows), _groups(rows)
    for name, is_in in _telling(rows, bought, p_buy):
        found = buying_ratio(groups, weights * is_in, p_buy, bought)
        if is_surely_off(found, MAX_CALIBRATION_RATIO):
            yield (
                f"{name}, predicted over observed buying is {found.estimate:.2f}"
                f" ({found.low:.2f} to {found.high:.2f})"
            )


def _slices_worse(
    model: AbandonmentModel, rows: pl.DataFrame, served: AbandonmentModel | ReturnModel | None
) -> Iterator[str]:
    """Ages and slices that lose by the change, on the days that the trees never saw."""
    worse = _differences(model, rows, served)
    if worse is None:
        return
    weights, groups = cart_weights(rows), _groups(rows)
    for name, is_in in _telling(rows, 1 - abandonment.abandoned(rows), 1 - model.predict(rows)):

        def mean_worse(kept: np.ndarray, here: np.ndarray = is_in) -> float:
            weight = weights * (kept & here)
            return float(weight @ worse / max(weight.sum(), 1e-9))

        if (found := interval(groups, mean_worse)).low > MAX_WORSE_IN_A_SLICE:
            yield (
                f"{name}, its log loss is {found.estimate:+.4f} against the served model's, surely"
                f" more than {MAX_WORSE_IN_A_SLICE}"
            )


def _telling(
    rows: pl.DataFrame, bought: np.ndarray, p_buy: np.ndarray
) -> Iterator[tuple[str, np.ndarray]]:
    """Of the ages and slices those of which enough people bought, or were expected to."""
    if rows.is_empty():
        return
    chances = rows.select(person=person_id(), bought=pl.Series(bought), p_buy=pl.Series(p_buy))
    for name, is_in in _ages_and_slices(rows):
        people = (
            chances.filter(pl.Series(is_in))
            .group_by("person")
            .agg(pl.col("bought").max(), pl.col("p_buy").mean())
        )
        if max(people["bought"].sum(), people["p_buy"].sum()) >= MIN_BUYERS:
            yield name, is_in


def _differences(
    model: AbandonmentModel, rows: pl.DataFrame, served: AbandonmentModel | ReturnModel | None
) -> np.ndarray | None:
    """(n,) log losses less those of the served model; None without one that can score the rows."""
    if not isinstance(served, AbandonmentModel):
        return None
    outcomes = abandonment.abandoned(rows)
    try:
        before = evaluation.log_losses(outcomes, served.predict(rows))
    except FeatureError:
        return None
    return evaluation.log_losses(outcomes, model.predict(rows)) - before


def _ages_and_slices(rows: pl.DataFrame) -> Iterator[tuple[str, np.ndarray]]:
    """The groups that are looked at, in words, and (n,) which rows belong to each."""
    age = np.searchsorted(AGE_EDGES_HOURS, abandonment.idle_hours(rows))
    for position, hours in enumerate(AGE_EDGES_HOURS):
        yield f"idle up to {hours:g} h", age == position
    if "device_type" in rows.columns:
        for device in rows["device_type"].drop_nulls().unique().sort():
            yield f"on {device}", (rows["device_type"] == device).fill_null(False).to_numpy()
    yield from _new_and_returning(rows)
    value = rows["cart_value_base"].cast(pl.Float64)
    lower, upper = (value.quantile(share) or 0.0 for share in (1 / 3, 2 / 3))
    for name, is_in in (
        ("of the cheapest third of carts", value <= lower),
        ("of the middle third of carts by value", (value > lower) & (value <= upper)),
        ("of the dearest third of carts", value > upper),
    ):
        yield name, is_in.fill_null(False).to_numpy()


def _new_and_returning(rows: pl.DataFrame) -> Iterator[tuple[str, np.ndarray]]:
    if "visitor_session_count" in rows.columns:
        is_new = (rows["visitor_session_count"] <= 1).fill_null(False).to_numpy()
        yield "of new visitors", is_new
        yield "of returning visitors", ~is_new


def _gaps_of_returns(model: ReturnModel, frame: pl.DataFrame) -> Iterator[str]:
    rows = return_time.known_at(frame, model.card.trained_as_of)
    rows = rows.filter(pl.col("ended_at") >= return_time.start_of_test(rows))
    slices = [*_new_and_returning(rows)]
    if "device_is_mobile" in rows.columns:
        is_mobile = (rows["device_is_mobile"].cast(pl.Float64) > 0).fill_null(False).to_numpy()
        slices += [("on mobile", is_mobile), ("on other devices", ~is_mobile)]
    p_away = model.curve.survival(rows, HORIZONS_HOURS)
    for name, is_in in slices:
        here = rows.filter(pl.Series(is_in))
        if here.height < MIN_SESSIONS_IN_A_SLICE:
            continue
        seen = sum(each <= here["duration_hours"].max() for each in HORIZONS_HOURS)
        off = return_time.gap_beyond_chance(here, p_away[is_in, :seen])
        if off > MAX_RETURN_GAP_IN_A_SLICE:
            yield (
                f"{name}, the mean return curve is surely {off:.3f} off the observed one,"
                f" {MAX_RETURN_GAP_IN_A_SLICE} is allowed"
            )
    gap = model.card.metrics.get(return_time.GAP_BEYOND_CHANCE, 0.0)
    if gap > MAX_RETURN_GAP:
        yield (
            f"out of time the mean return curve is surely {gap:.3f} off the observed one,"
            f" {MAX_RETURN_GAP} is allowed"
        )


def _groups(rows: pl.DataFrame) -> np.ndarray:
    return groups_of(rows.select(person_id()).to_series())


def _people(rows: pl.DataFrame) -> int:
    return rows.select(person_id().n_unique()).item()
