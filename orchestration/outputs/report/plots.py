"""The pictures of the report.

Belongs here: how a table of numbers is drawn. Not here: where the numbers come from; looks that all
drawings share (`drawing`). None in a series is a gap.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from orchestration.outputs.report.drawing import (
    BAND,
    BLUE,
    MUTED,
    ORANGE,
    SURFACE,
    Drawing,
    drawn,
)
from orchestration.outputs.report.kept_pictures import kept

_BAR, _TICK = 0.72, 0.46

Series = Sequence[float | None]


@dataclass(frozen=True)
class Observed:
    """Shares that were predicted and that came, with the interval of what came.

    Attributes:
        labels: of the places.
        predicted: mean prediction at each place.
        observed: share that came.
        low: lower end of its interval.
        high: its upper end.
    """

    labels: Sequence[str]
    predicted: Sequence[float]
    observed: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@kept
def days(
    key: str,
    labels: Sequence[str],
    values: Series,
    before: Series,
    is_settled: Sequence[bool],
    *,
    is_share: bool,
) -> Markup:
    """Bars by day, hatched where they can still change, with a mark for the week before."""
    with drawn(key, 170) as drawing:
        axes = drawing.axes
        known = [(x, value) for x, value in enumerate(values) if value is not None]
        for settled in (True, False):
            bars = [(x, value) for x, value in known if is_settled[x] == settled]
            axes.bar(
                [x for x, _ in bars],
                [value for _, value in bars],
                width=_BAR,
                color=BLUE if settled else SURFACE,
                edgecolor=BLUE,
                linewidth=0 if settled else 1,
                hatch=None if settled else "////",
            )
        marks = [(x, value) for x, value in enumerate(before) if value is not None]
        axes.hlines(
            [value for _, value in marks],
            [x - _TICK for x, _ in marks],
            [x + _TICK for x, _ in marks],
            color=ORANGE,
            linewidth=2.4,
        )
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(_share if is_share else _count)
        drawing.label_places(labels)
    return drawing.svg


@kept
def stacks(
    key: str, labels: Sequence[str], series: Sequence[tuple[str, Sequence[float]]]
) -> Markup:
    """Bars in layers, the first at the bottom; of each layer its colour and values."""
    with drawn(key, 220, left=54) as drawing:
        axes = drawing.axes
        floor = [0.0] * len(labels)
        for colour, values in series:
            axes.bar(
                range(len(labels)),
                values,
                bottom=floor,
                width=0.8,
                color=colour,
                edgecolor=SURFACE,
                linewidth=1 if len(labels) <= 24 else 0,
            )
            floor = [low + value for low, value in zip(floor, values, strict=True)]
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(_count)
        drawing.label_places(labels)
    return drawing.svg


@kept
def against_outcomes(key: str, outcomes: Observed) -> Markup:
    """Predicted beside observed, with its interval, at each place."""
    with drawn(key, 220) as drawing:
        places = range(len(outcomes.labels))
        _observed(drawing, [x + 0.12 for x in places], outcomes)
        drawing.axes.plot(
            [x - 0.12 for x in places],
            outcomes.predicted,
            color=BLUE,
            linestyle="none",
            marker="o",
            markersize=7,
        )
        drawing.axes.yaxis.set_major_formatter(_share)
        drawing.label_places(outcomes.labels)
    return drawing.svg


@kept
def calibration(key: str, outcomes: Observed) -> Markup:
    """Observed over predicted, with its interval; on the diagonal they agree."""
    with drawn(key, 260, bottom=46) as drawing:
        axes = drawing.axes
        ends = [*outcomes.predicted, *outcomes.low, *outcomes.high]
        low, high = max(0.0, min(ends) - 0.03), min(1.0, max(ends) + 0.03)
        axes.plot([low, high], [low, high], color=MUTED, linestyle=(0, (4, 3)), linewidth=1.2)
        _observed(drawing, outcomes.predicted, outcomes)
        axes.set_xlim(low, high)
        axes.set_ylim(low, high)
        axes.xaxis.set_major_formatter(_share)
        axes.yaxis.set_major_formatter(_share)
        drawing.explain_places("predicted chance of not being bought")
    return drawing.svg


@kept
def return_curve(key: str, outcomes: Observed) -> Markup:
    """Share of shoppers back by hours, what was predicted on what came with its band."""
    with drawn(key, 260, bottom=46) as drawing:
        places = range(len(outcomes.labels))
        drawing.axes.fill_between(places, outcomes.low, outcomes.high, color=BAND, linewidth=0)
        drawing.axes.plot(places, outcomes.observed, color=ORANGE, marker="s", linewidth=2)
        drawing.axes.plot(
            places, outcomes.predicted, color=BLUE, marker="o", linestyle=(0, (4, 2)), linewidth=2
        )
        drawing.axes.set_ylim(bottom=0)
        drawing.axes.yaxis.set_major_formatter(_share)
        drawing.label_places(outcomes.labels)
        drawing.explain_places("hours after the scored hour")
    return drawing.svg


@kept
def differences(
    key: str,
    labels: Sequence[str],
    middle: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
) -> Markup:
    """Differences of shares with their intervals, against a line where there is none."""
    with drawn(key, 220) as drawing:
        drawing.axes.axhline(0.0, color=MUTED, linewidth=1.2)
        _observed(drawing, range(len(labels)), Observed(labels, middle, middle, low, high))
        drawing.axes.yaxis.set_major_formatter(_share)
        drawing.label_places(labels)
    return drawing.svg


def _observed(drawing: Drawing, places: Sequence[float], outcomes: Observed) -> None:
    observed = outcomes.observed
    drawing.axes.vlines(places, outcomes.low, outcomes.high, color=ORANGE, linewidth=2)
    drawing.axes.plot(places, observed, color=ORANGE, linestyle="none", marker="s", markersize=6.5)


def _share(value: float, _: int | None) -> str:
    return f"{value * 100:.0f}\N{NARROW NO-BREAK SPACE}%"


def _count(value: float, _: int | None) -> str:
    return f"{value / 1000:g}k" if abs(value) >= 10_000 else f"{value:,g}"
