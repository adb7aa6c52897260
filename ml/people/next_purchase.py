"""When a person orders next: the rate of ordering, by the time gone at the person's own pace.

What belongs here: learning, judging and reading the curve. What does not: the instant it becomes
(``scores``).

Time counts from the last order, or without one from the first visit, and is measured in spans that
the person takes from one order to the next: the own ones, drawn to the shop's by a few. Each week
of each person is observed from its instant on; the rate is orders by time. The plain answer is the
shop's: one curve in days for all who ordered, one for those who never did.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

import numpy as np
import polars as pl

from ml import evaluation
from ml.card import (
    CARD_FILE,
    FALLBACK,
    ModelCard,
    continued,
    library_versions,
    rounded,
    with_model_id,
)
from ml.people.files import as_json
from ml.people.windows import Windows, bought_within, windows

NAME = "next_purchase"
MODEL_FILE = "next_purchase.json"
HORIZON_DAYS = 30
WEEK_DAYS = 7.0
# Edges of the time gone, in spans; beyond the last the rate stays.
EDGES = (
    *(0.0, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0, 1.25, 1.6, 2.0, 2.5, 3.2, 4.0, 6.0, 10.0),
    *(16.0, 25.0, 40.0, 63.0, 100.0),
)
# People by how often they ordered: never, once, twice, more often.
FREQUENCY_EDGES = (1, 2, 3)
# The shop's span counts as many of the person's own, in logarithms.
SHRINKAGE_SPANS = 2.0
# What the rate before it lets expect counts as so many orders in the rate of an interval. More
# would raise the rates of the long absent, who are many and order seldom: three orders an interval
# made 1.2 to 1.9 times too many of all orders within 30 days.
SHRINKAGE_ORDERS = 0.5
SPAN_DAYS = 30.0


@dataclass(frozen=True)
class Pace:
    """The rate of ordering by group and time gone.

    Attributes:
        span_days: the shop's days from one order to the next.
        is_own: whether time is measured at a person's own pace.
        frequency_edges: which groups there are, by orders.
        rates: by group, orders for each span of time, one an interval of ``EDGES``.
    """

    span_days: float
    is_own: bool
    frequency_edges: tuple[int, ...]
    rates: tuple[tuple[float, ...], ...]

    @classmethod
    def fit(cls, rows: pl.DataFrame, *, is_own: bool) -> "Pace":
        """The rates of weeks of people; all 0 where no order is seen."""
        edges = FREQUENCY_EDGES if is_own else FREQUENCY_EDGES[:1]
        empty = cls(_shop_span(rows), is_own, edges, ())
        span, gone, group = empty._span(rows), _gone(rows), empty._group(rows)
        seen = rows["days_to_order"].fill_null(np.inf).to_numpy()
        until = np.minimum(np.minimum(seen, WEEK_DAYS), rows["days_observed"].to_numpy())
        is_order = (seen <= until).astype(np.float64)
        begin, end = gone / span, (gone + until) / span
        groups = len(edges) + 1
        time = np.zeros((groups, len(EDGES)))
        for place, (low, high) in enumerate(zip(EDGES, (*EDGES[1:], np.inf), strict=True)):
            within = np.clip(np.minimum(end, high) - np.maximum(begin, low), 0.0, None)
            time[:, place] = np.bincount(group, weights=within, minlength=groups)
        place = np.clip(np.searchsorted(EDGES, end, side="left") - 1, 0, None)
        cell = group * len(EDGES) + place
        orders = np.bincount(cell, weights=is_order, minlength=time.size).reshape(time.shape)
        rates = np.zeros_like(time)
        rate = orders.sum(axis=1) / np.maximum(time.sum(axis=1), 1e-9)
        declines = _declines()
        for place in range(len(EDGES)):
            # what was seen of few or nobody goes on as what came before it
            rate = rate * declines[place]
            longer = time[:, place] + SHRINKAGE_ORDERS / np.maximum(rate, 1e-12)
            rate = np.where(rate > 0, (orders[:, place] + SHRINKAGE_ORDERS) / longer, 0.0)
            rates[:, place] = rate
        own = tuple(tuple(float(each) for each in row) for row in rates)
        return cls(empty.span_days, is_own, edges, own)

    def within(self, frame: pl.DataFrame, days: float) -> np.ndarray:
        """(n,) probability of an order within so many days, given the time gone."""
        span, gone, group = self._span(frame), _gone(frame), self._group(frame)
        begin, end = gone / span, (gone + days) / span
        return -np.expm1(self._hazard(begin, group) - self._hazard(end, group))

    def median_days(self, frame: pl.DataFrame) -> np.ndarray:
        """(n,) days until an order is as likely as none; infinite where that never comes."""
        span, gone, group = self._span(frame), _gone(frame), self._group(frame)
        target = self._hazard(gone / span, group) + np.log(2.0)
        found = np.full(frame.height, np.inf)
        for number, row in enumerate(self.rates):
            steps = _steps(row)
            own = group == number
            place = np.clip(np.searchsorted(steps, target[own], side="right") - 1, 0, None)
            rate = np.array(row)[place]
            more = np.divide(
                target[own] - steps[place],
                rate,
                out=np.full(place.shape, np.inf),
                where=rate > 0,
            )
            found[own] = np.array(EDGES)[place] + more
        return found * span - gone

    def _hazard(self, at: np.ndarray, group: np.ndarray) -> np.ndarray:
        """(n,) the cumulative hazard at times in spans."""
        place = np.clip(np.searchsorted(EDGES, at, side="right") - 1, 0, None)
        rates = np.array(self.rates)
        steps = np.array([_steps(row) for row in self.rates])
        return steps[group, place] + rates[group, place] * (at - np.array(EDGES)[place])

    def _group(self, frame: pl.DataFrame) -> np.ndarray:
        orders = frame["order_count"].to_numpy()
        return np.searchsorted(self.frequency_edges, orders, side="right")

    def _span(self, frame: pl.DataFrame) -> np.ndarray:
        """(n,) days of a span of each person."""
        if not self.is_own:
            return np.full(frame.height, self.span_days)
        own = np.maximum(frame["order_count"].to_numpy().astype(np.float64) - 1, 0.0)
        # a day at least: two orders of one day are one purchase
        mean = _own_span(frame).fill_null(self.span_days).clip(1.0, 365.0).to_numpy()
        weight = own / (own + SHRINKAGE_SPANS)
        return np.exp(weight * np.log(mean) + (1 - weight) * np.log(self.span_days))


@dataclass(frozen=True)
class NextPurchaseModel:
    """A card and the curve."""

    card: ModelCard
    pace: Pace

    @property
    def is_known(self) -> bool:
        """Whether any week was observed."""
        return self.card.row_count > 0

    def within(self, frame: pl.DataFrame, days: float = HORIZON_DAYS) -> np.ndarray:
        """(n,) probability of an order within so many days; NaN while nothing is known."""
        if not self.is_known:
            return np.full(frame.height, np.nan)
        return self.pace.within(frame, days)

    def median_days(self, frame: pl.DataFrame) -> np.ndarray:
        """(n,) days until an order is as likely as none; infinite where that never comes."""
        if not self.is_known:
            return np.full(frame.height, np.inf)
        return self.pace.median_days(frame)

    def to_files(self) -> dict[str, bytes]:
        """The model as named files; ``from_files`` gives back one that predicts the same bits."""
        return {MODEL_FILE: as_json(asdict(self.pace)), CARD_FILE: self.card.to_json()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "NextPurchaseModel":
        """The model that ``to_files`` wrote."""
        fields = json.loads(files[MODEL_FILE])
        pace = Pace(
            fields["span_days"],
            fields["is_own"],
            tuple(fields["frequency_edges"]),
            # a model of an older version has fewer intervals, beyond which the rate stays
            tuple((*row, *row[-1:] * (len(EDGES) - len(row))) for row in fields["rates"]),
        )
        return cls(ModelCard.from_json(files[CARD_FILE]), pace)


def train(frame: pl.DataFrame, *, as_of: datetime) -> NextPurchaseModel:
    """Learn from people at past instants.

    Args:
        frame: person_id, as_of, days_since_order, days_since_first_seen, order_count,
            days_from_first_to_last_order, days_observed, days_to_order.
        as_of: the hour that it is learned at.
    """
    cut = windows(frame, HORIZON_DAYS, WEEK_DAYS)
    rows = frame.sort("as_of", "person_id")
    if shortfall := cut.shortfall(pl.col("days_to_order") <= HORIZON_DAYS):
        note = (
            "The shop's curve for all instead of one at a person's own pace:"
            f" {continued(shortfall)}"
        )
        return _model(rows, Pace.fit(rows, is_own=False), as_of, {}, {}, note)
    metrics, tables = _judge(cut)
    if metrics["log_loss"] >= metrics["log_loss_shop"]:
        note = (
            "The shop's curve for all: one at a person's own pace was no better on the newest"
            " instants, and the figures are of that one."
        )
        return _model(rows, Pace.fit(rows, is_own=False), as_of, metrics, tables, note)
    note = (
        f"Figures are of orders within {HORIZON_DAYS} days of the newest instants, by a curve that"
        " was learned on older ones alone."
    )
    return _model(rows, Pace.fit(rows, is_own=True), as_of, metrics, tables, note)


def _judge(cut: Windows) -> tuple[dict[str, float], dict[str, list[dict[str, float]]]]:
    rows = cut.test
    outcomes, ones = bought_within(rows, HORIZON_DAYS), np.ones(rows.height)
    p = Pace.fit(cut.train, is_own=True).within(rows, HORIZON_DAYS)
    plain = Pace.fit(cut.train, is_own=False).within(rows, HORIZON_DAYS)
    calibration = evaluation.calibration_table(outcomes, p, ones)
    metrics = {
        "auc": evaluation.auc(outcomes, p, ones),
        "auc_shop": evaluation.auc(outcomes, plain, ones),
        "log_loss": evaluation.log_loss(outcomes, p, ones),
        "log_loss_shop": evaluation.log_loss(outcomes, plain, ones),
        "brier": evaluation.brier(outcomes, p, ones),
        "brier_shop": evaluation.brier(outcomes, plain, ones),
        "base_rate": outcomes.mean(),
        "predicted_over_observed": p.mean() / outcomes.mean(),
        "predicted_over_observed_shop": plain.mean() / outcomes.mean(),
        "test_rows": rows.height,
        "test_people": rows["person_id"].n_unique(),
    }
    return rounded(metrics), {"calibration": [rounded(row) for row in calibration.to_dicts()]}


def _model(
    rows: pl.DataFrame,
    pace: Pace,
    as_of: datetime,
    metrics: dict[str, float],
    tables: dict[str, list[dict[str, float]]],
    note: str,
) -> NextPurchaseModel:
    card = ModelCard(
        name=NAME,
        kind="own_pace" if pace.is_own else FALLBACK,
        trained_as_of=as_of,
        data_from=rows["as_of"].min(),
        data_to=rows["as_of"].max(),
        row_count=rows.height,
        group_count=rows["person_id"].n_unique(),
        features=("days_since_order", "days_since_first_seen", "order_count"),
        metrics={"span_days": pace.span_days, **metrics},
        tables=tables,
        params={"shrinkage_spans": SHRINKAGE_SPANS, "shrinkage_orders": SHRINKAGE_ORDERS},
        versions=library_versions("numpy", "polars"),
        note=note,
    )
    return NextPurchaseModel(with_model_id(card, {MODEL_FILE: as_json(asdict(pace))}), pace)


def _declines() -> np.ndarray:
    """(edges,) by how much the rate of an interval is expected below the one before it: beyond a
    span as time goes on, for the longer people are away, the more of them never come back."""
    middles = np.add(EDGES, (*EDGES[1:], 1.5 * EDGES[-1])) / 2
    late = np.maximum(middles, 1.0)
    return np.concatenate([[1.0], late[:-1] / late[1:]])


def _steps(rates: tuple[float, ...]) -> np.ndarray:
    """(edges,) the cumulative hazard at the edges."""
    return np.concatenate([[0.0], np.cumsum(np.diff(EDGES) * np.array(rates)[:-1])])


def _own_span(frame: pl.DataFrame) -> pl.Series:
    """The person's mean days from one order to the next; null before the second."""
    spans = pl.col("order_count") - 1
    days = pl.col("days_from_first_to_last_order") / spans
    return frame.select(pl.when(spans > 0).then(days).alias("span")).to_series()


def _shop_span(rows: pl.DataFrame) -> float:
    """The median of people's spans as they last were; a month before anybody ordered twice."""
    last = rows.sort("as_of", "person_id").group_by("person_id", maintain_order=True).last()
    median = _own_span(last).clip(1.0, 365.0).median()
    return SPAN_DAYS if median is None else float(median)


def _gone(frame: pl.DataFrame) -> np.ndarray:
    """(n,) days since the last order, or without one since the first visit."""
    days = pl.coalesce("days_since_order", "days_since_first_seen").cast(pl.Float64)
    return frame.select(days).to_series().to_numpy()
