"""The plots of a model card as PNG bytes.

What belongs here: drawing tables that ``evaluation`` made. What does not: computing them. Plots are
drawn through objects only, without pyplot's shared state, so that any thread may draw; the same
table gives the same bytes. Colours are Okabe and Ito's, which colour-blind readers can distinguish
too.
"""

from collections.abc import Mapping, Sequence
from io import BytesIO

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#7F7F7F"
SIZE_INCHES = (5.6, 3.8)
DOTS_PER_INCH = 100

Table = Sequence[Mapping[str, float]]


def calibration(
    table: Table, outcome: tuple[str, str] = ("abandoning", "share abandoned")
) -> bytes:
    """Predicted against observed; ``table`` as in ``card.tables["calibration"]``.

    ``outcome`` is what may happen, and the share to which it did.
    """
    figure, axes = _figure("Calibration", f"predicted probability of {outcome[0]}", outcome[1])
    predicted, observed = _column(table, "mean_predicted"), _column(table, "mean_observed")
    low = max(0.0, min(*predicted, *observed) - 0.05)
    high = min(1.0, max(*predicted, *observed) + 0.05)
    axes.plot([low, high], [low, high], color=GREY, linestyle="--", label="perfect")
    axes.plot(predicted, observed, color=BLUE, marker="o", label="model")
    counts = _column(table, "row_count")
    rows = f"{len(counts)} bins of {min(counts):,.0f} to {max(counts):,.0f} rows"
    axes.legend(frameon=False, title=rows, title_fontsize=9, alignment="left")
    return _png(figure)


def outcomes(table: Table) -> bytes:
    """Predicted against what came of it by week; ``table`` as ``evaluation.outcomes_table``."""
    figure, axes = _figure("What happened", "week of the score", "share of carts abandoned")
    places = range(len(table))
    observed = _column(table, "mean_observed")
    _intervals(axes, places, table, ("observed_low", "observed_high"), ORANGE)
    axes.plot(places, observed, color=ORANGE, marker="s", label="observed, 95 % interval")
    predicted = _column(table, "mean_predicted")
    axes.plot(places, predicted, color=BLUE, marker="o", linestyle="--", label="predicted, mean")
    axes.set_xticks(list(places), [f"{row['week']:%d %b}" for row in table])
    axes.legend(frameon=False)
    return _png(figure)


def lift(table: Table) -> bytes:
    """What the best-scored share captures; ``table`` as in ``card.tables["lift"]``."""
    figure, axes = _figure("Gain", "share of carts, highest score first", "share captured")
    share = [0.0, *_column(table, "share")]
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="at random")
    axes.plot(
        share,
        [0.0, *_column(table, "captured_purchases")],
        color=ORANGE,
        marker="s",
        markersize=3,
        label="purchases, likeliest first",
    )
    axes.plot(
        share,
        [0.0, *_column(table, "captured")],
        color=BLUE,
        marker="o",
        markersize=3,
        label="abandoned carts, likeliest first",
    )
    axes.legend(frameon=False)
    return _png(figure)


def gain(table: Table) -> bytes:
    """What the best people hold beside the plain answer; ``table`` as ``card.tables["gain"]``."""
    figure, axes = _figure("Gain", "share of people, highest score first", "share captured")
    share = [0.0, *_column(table, "share")]
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", label="at random")
    plain = [0.0, *_column(table, "captured_plain")]
    axes.plot(share, plain, color=ORANGE, marker="s", markersize=3, label="plain answer")
    captured = [0.0, *_column(table, "captured")]
    axes.plot(share, captured, color=BLUE, marker="o", markersize=3, label="model")
    axes.legend(frameon=False)
    return _png(figure)


def campaign_differences(table: Table) -> bytes:
    """Buyers among contacted less among held out; rows of the table of campaign results."""
    figure, axes = _figure(
        "Contacted against held out", "week of first contact", "difference of shares who bought"
    )
    weeks = sorted({row["week"] for row in table})
    groups = sorted({(row["segment"], row["action"], row["channel"]) for row in table})
    for number, group in enumerate(groups):
        rows = [row for row in table if (row["segment"], row["action"], row["channel"]) == group]
        places = [weeks.index(row["week"]) for row in rows]
        colour, marker = (BLUE, ORANGE)[number % 2], "os^vDP*X"[number // 2 % 8]
        _intervals(axes, places, rows, ("difference_low", "difference_high"), colour)
        middle = _column(rows, "difference")
        axes.plot(places, middle, color=colour, marker=marker, label=" ".join(group))
    axes.set_xticks(range(len(weeks)), [f"{week:%Y-%m-%d}" for week in weeks])
    axes.axhline(0.0, color=GREY, linewidth=0.8)
    axes.legend(frameon=False)
    return _png(figure)


def drift(table: Table) -> bytes:
    """How far columns have moved, furthest first; ``table`` as ``drift.stability`` gives it."""
    figure, axes = _figure("Drift since the model was learned", "population stability index", "")
    names = [str(row["column"]) for row in table][::-1]
    axes.barh(names, _column(table, "index")[::-1], color=BLUE)
    limits = _column(table, "limit")[::-1]
    axes.plot(limits, names, color=ORANGE, linestyle="", marker="|", markersize=12, label="limit")
    axes.tick_params(axis="y", labelsize=7)
    axes.legend(frameon=False)
    return _png(figure)


def came_true(table: Table) -> bytes:
    """Predicted over observed buying by age; ``table`` as ``outcomes.by_age`` gives it."""
    figure, axes = _figure("Chances that came true", "hours idle, up to", "predicted / observed")
    ages = [f"{row['idle_up_to_hours']:g}" for row in table]
    places, ratio = range(len(table)), _column(table, "ratio")
    axes.axhline(1.0, color=GREY, linestyle="--", label="perfect")
    _intervals(axes, places, table, ("ratio_low", "ratio_high"), BLUE)
    axes.plot(places, ratio, "o", color=BLUE, label="bought, 95 % interval")
    axes.set_xticks(places, ages)
    axes.legend(frameon=False)
    return _png(figure)


def return_curve(table: Table) -> bytes:
    """Predicted against observed absence; ``table`` as in ``card.tables["return_curve"]``."""
    figure, axes = _figure(
        "Still away", "hours since the session ended (log scale)", "share not returned"
    )
    hours = _column(table, "hours")
    axes.set_xscale("log")
    axes.set_xticks(hours, [f"{h:g}" for h in hours])
    axes.minorticks_off()
    axes.plot(
        hours,
        _column(table, "kaplan_meier"),
        color=ORANGE,
        marker="s",
        label="observed (Kaplan-Meier)",
    )
    if all("kaplan_meier_low" in row for row in table):  # cards of before are without
        band = _column(table, "kaplan_meier_low"), _column(table, "kaplan_meier_high")
        axes.fill_between(hours, *band, color=ORANGE, alpha=0.25, linewidth=0, label="95 %")
    axes.plot(
        hours, _column(table, "model"), color=BLUE, marker="o", linestyle="--", label="model, mean"
    )
    axes.legend(frameon=False)
    return _png(figure)


def _intervals(
    axes: Axes, places: Sequence[int], table: Table, ends: tuple[str, str], colour: str
) -> None:
    """A line from end to end of each row's interval, wherever its middle is."""
    axes.vlines(places, *(_column(table, end) for end in ends), color=colour)


def _column(table: Table, name: str) -> list[float]:
    return [row[name] for row in table]


def _figure(title: str, x_label: str, y_label: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=SIZE_INCHES, dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(title, loc="left")
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.grid(color="#DDDDDD", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _png(figure: Figure) -> bytes:
    """PNG without the name of the software, which would change the bytes with its version."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
