"""Is the challenger better than the model in use?

What belongs here: the comparison and its verdict. What does not: putting the better model to use.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from ml import abandonment, evaluation, return_time
from ml.abandonment import AbandonmentModel
from ml.card import rounded
from ml.features import FeatureError, person_id
from ml.horizons import HORIZONS_HOURS
from ml.intervals import effective_people, groups_of
from ml.outcomes import buying_ratio, has_buyers, is_surely_off
from ml.return_time import ReturnModel
from ml.split import cart_weights

RESAMPLES = 200
SEED = 11
CONFIDENCE = 0.9
# A model that is better by less is not worth a change: what was said would move for nothing.
MINIMUM_EFFECTS = {abandonment.NAME: 0.002, return_time.NAME: 0.0005}
LOSS_NAMES = {abandonment.NAME: "log loss", return_time.NAME: "Brier score"}


@dataclass(frozen=True)
class Verdict:
    """Whether to promote, why in one sentence, and the metrics it rests on."""

    promote: bool
    reason: str
    metrics: dict[str, float]


@dataclass(frozen=True)
class Comparison:
    """What two models are compared on.

    Attributes:
        rows: the n labelled rows.
        weights: (n,) their weights.
        losses: gives the (n,) losses of a model on them.
    """

    rows: pl.DataFrame
    weights: np.ndarray
    losses: Callable[..., np.ndarray]


def better(
    challenger: AbandonmentModel | ReturnModel,
    champion: AbandonmentModel | ReturnModel,
    frame: pl.DataFrame,
) -> Verdict:
    """Compare two models of one kind on the same newest rows whose outcome is known.

    A learned model replaces a fallback, and never the other way round. Otherwise the challenger
    must have the lower loss, by ``MINIMUM_EFFECTS`` at least, and with confidence: the upper 90 %
    bound of the difference, from 200 bootstrap resamples of people, must be below zero. The loss
    for abandonment is the log loss, weighted by ``cart_weights``, and the challenger is penalised
    for what was fitted on these very rows: by parameters / people (Akaike 1974), as many of them as
    the weights are worth (``effective_people``), for all rows of a person count as one. The loss
    for return is the Brier score weighted for censoring, averaged over the horizons.

    Args:
        challenger: the new model.
        champion: the one in use.
        frame: labelled rows as for ``train``. For abandonment those of the challenger's test window
            count, which its trees never saw; for return the newest part of the sessions, which
            either may have learned from, with some dozen coefficients out of thousands of sessions.

    Raises:
        ValueError: if one model is about abandonment and the other about return.
        FeatureError: if the challenger cannot score the frame.
    """
    name = challenger.card.name
    if champion.card.name != name:
        raise ValueError(f"a model of {name} cannot replace one of {champion.card.name}")
    if champion.card.is_fallback != challenger.card.is_fallback:
        return (
            Verdict(True, "A learned model replaces the fallback.", {})
            if champion.card.is_fallback
            else Verdict(False, "A fallback does not replace a learned model.", {})
        )
    comparison = (
        _compare_abandonment(challenger, frame)
        if name == abandonment.NAME
        else _compare_return(challenger, frame)
    )
    if comparison.rows.is_empty():
        return Verdict(False, "There are no rows with a known outcome to compare on.", {})
    return _verdict(challenger, champion, comparison)


def _verdict(
    challenger: AbandonmentModel | ReturnModel,
    champion: AbandonmentModel | ReturnModel,
    comparison: Comparison,
) -> Verdict:
    """What the losses on rows, at least one, say of two models."""
    name = challenger.card.name
    challenger_losses = comparison.losses(challenger)
    try:
        champion_losses = comparison.losses(champion)
    except FeatureError as error:
        return Verdict(True, f"The model in use cannot score any more: {error}.", {})
    weights = comparison.weights
    difference, upper = _bootstrap(challenger_losses - champion_losses, weights, comparison.rows)
    metrics = {
        "challenger_loss": np.average(challenger_losses, weights=weights),
        "champion_loss": np.average(champion_losses, weights=weights),
        "difference": difference,
        "difference_upper": upper,
        "rows": comparison.rows.height,
    }
    minimum = MINIMUM_EFFECTS[name]
    is_enough = difference <= -minimum
    is_lower = "is" if upper < 0 else "is not surely" if difference < 0 else "is not"
    too_little = f" That is less than {minimum}." if upper < 0 and not is_enough else ""
    return Verdict(
        promote=bool(upper < 0 and is_enough),
        reason=(
            f"The challenger's {LOSS_NAMES[name]} {is_lower} lower: "
            f"{metrics['challenger_loss']:.4f} against {metrics['champion_loss']:.4f}, "
            f"difference {difference:+.4f}, at most {upper:+.4f}.{too_little}"
        ),
        metrics=rounded(metrics),
    )


def recalibration(
    again: AbandonmentModel, served: AbandonmentModel, frame: pl.DataFrame
) -> Verdict:
    """Whether the model in use, brought to newer days, is better on them.

    The same as ``better``, on the days that it was brought to. Where the served level is surely
    off, the 95 % interval of predicted over observed buying without 1 and enough of either to say
    so, a lower loss is enough: a level that is off by a quarter, where one cart in twenty is
    bought, costs a log loss of .001 only, and spoils what is said of every gain.

    Each is charged for as many parameters as the priors of its shifts leave, as far as they were
    fitted on these rows.
    """
    rows = again.newest_rows(frame)
    comparison = _on_rows(rows, lambda model: _fitted_on(model, rows))
    verdict = _verdict(again, served, comparison)
    groups = groups_of(rows.select(person_id()).to_series())
    bought = 1 - abandonment.abandoned(rows)
    expected = [1 - model.predict(rows) for model in (served, again)]
    before, after = (buying_ratio(groups, comparison.weights, each, bought) for each in expected)
    is_off = is_surely_off(before, 1.0) and has_buyers(comparison.weights, expected[0], bought)
    level = "surely off" if is_off else "not surely off"
    return replace(
        verdict,
        promote=verdict.promote or (is_off and verdict.metrics["difference"] < 0),
        reason=(
            f"Brought to the days from {rows['as_of'].min():%Y-%m-%d} to"
            f" {rows['as_of'].max():%Y-%m-%d}, predicted over observed buying goes from"
            f" {before.estimate:.2f}, {level}, to {after.estimate:.2f}. {verdict.reason}"
        ),
    )


def _fitted_on(model: AbandonmentModel, rows: pl.DataFrame) -> float:
    """How many parameters' worth of a model's shifts was fitted on rows; models of before do not
    say it."""
    share = model.newest_rows(rows).height / rows.height
    return share * model.card.params.get("shift_parameters", 0.0)


def _compare_abandonment(challenger: AbandonmentModel, frame: pl.DataFrame) -> Comparison:
    parameters = challenger.scorer.calibrated_parameters
    rows = challenger.test_rows(frame)
    return _on_rows(rows, lambda model: parameters if model is challenger else 0.0)


def _on_rows(rows: pl.DataFrame, parameters: Callable[[AbandonmentModel], float]) -> Comparison:
    """Log losses on rows, charged for the parameters of a model that were fitted on them."""
    weights = cart_weights(rows)
    people = effective_people(rows.select(person_id()).to_series(), weights)
    outcomes = abandonment.abandoned(rows)

    def losses(model: AbandonmentModel) -> np.ndarray:
        log_losses = evaluation.log_losses(outcomes, model.predict(rows))
        return log_losses + parameters(model) / max(people, 1.0)

    return Comparison(rows, weights, losses)


def _compare_return(challenger: ReturnModel, frame: pl.DataFrame) -> Comparison:
    rows = return_time.known_at(frame, challenger.card.trained_as_of)
    if not rows.is_empty():
        rows = rows.filter(pl.col("ended_at") >= return_time.start_of_test(rows))
    durations = rows["duration_hours"].cast(pl.Float64).to_numpy()
    is_returned = rows["is_returned"].to_numpy().astype(bool)
    hours = [h for h in HORIZONS_HOURS if h <= durations.max(initial=0.0)]

    def losses(model: ReturnModel) -> np.ndarray:
        p_away = model.curve.survival(rows, hours)
        return evaluation.return_brier_losses(durations, is_returned, p_away, hours).mean(axis=1)

    return Comparison(rows, np.ones(rows.height), losses)


def _bootstrap(
    differences: np.ndarray, weights: np.ndarray, rows: pl.DataFrame
) -> tuple[float, float]:
    """The weighted mean difference and its upper bound, people resampled with all their rows."""
    codes = rows.select(person_id().rank("dense")).to_series().to_numpy() - 1
    people = int(codes.max()) + 1
    weight = np.bincount(codes, weights=weights, minlength=people)
    total = np.bincount(codes, weights=weights * differences, minlength=people)
    rng = np.random.default_rng(SEED)
    means = np.empty(RESAMPLES)
    for i in range(RESAMPLES):
        drawn = np.bincount(rng.integers(0, people, people), minlength=people)
        means[i] = (drawn @ total) / (drawn @ weight)
    return float(total.sum() / weight.sum()), float(np.quantile(means, CONFIDENCE))
