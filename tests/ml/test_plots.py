from datetime import date
from io import BytesIO
from unittest.mock import patch

import pytest
from matplotlib.image import imread

from ml import plots

TABLES = {
    plots.calibration: [
        {"mean_predicted": 0.1 * i, "mean_observed": 0.09 * i, "row_count": 1000 + i}
        for i in range(1, 11)
    ],
    plots.lift: [
        {"share": i / 20, "captured": i / 20, "captured_purchases": (i / 20) ** 0.5}
        for i in range(1, 21)
    ],
    plots.return_curve: [
        {"hours": h, "model": 0.9 - h / 400, "kaplan_meier": 0.88 - h / 400}
        for h in (4.0, 8.0, 24.0, 72.0, 168.0)
    ],
    plots.drift: [
        {"column": f"feature_{i}", "index": 0.05 * i, "limit": 0.25 + i / 100} for i in range(10)
    ],
    plots.came_true: [
        {"idle_up_to_hours": hours, "ratio": 1 + i / 50, "ratio_low": 0.9, "ratio_high": 1.2}
        for i, hours in enumerate((1.0, 8.0, 24.0))
    ],
    plots.outcomes: [
        {
            "week": date(2026, 3, 2 + 7 * week),
            "mean_predicted": 0.8,
            "mean_observed": 0.75 + week / 50,
            "observed_low": 0.7,
            "observed_high": 0.9,
        }
        for week in range(4)
    ],
}


@pytest.mark.parametrize("draw", TABLES, ids=lambda draw: draw.__name__)
def test_a_plot_is_a_small_png_of_the_same_bytes_each_time(draw):
    png = draw(TABLES[draw])
    assert len(png) < 60_000
    assert png == draw(TABLES[draw])
    assert imread(BytesIO(png)).shape == (380, 560, 4)
    assert b"Software" not in png
    assert b"Creation Time" not in png


@pytest.mark.parametrize(
    ("draw", "middle"), [(plots.outcomes, "mean_observed"), (plots.came_true, "ratio")]
)
def test_a_middle_beside_its_interval_stops_no_plot(draw, middle):
    # by a rounding of what is 1, or as an interval is not made of the middle
    table = [row | {middle: 1.25} for row in TABLES[draw]]
    assert imread(BytesIO(draw(table))).shape == (380, 560, 4)


def test_weeks_of_campaigns_stand_in_order_whichever_group_has_the_first():
    def row(segment: str, week: int) -> dict:
        names = {"segment": segment, "action": "reminder", "channel": "email"}
        shares = {"difference": 0.1, "difference_low": 0.0, "difference_high": 0.2}
        return {**names, **shares, "week": date(2026, 3, 2 + 7 * week)}

    # of the first group a week later than of the second
    table = [row("a", 1), row("a", 2), row("b", 0), row("b", 1)]
    with patch("ml.plots._png", lambda figure: figure):
        (axes,) = plots.campaign_differences(table).axes
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels == ["2026-03-02", "2026-03-09", "2026-03-16"]
    first, second = (list(line.get_xdata()) for line in axes.lines[:2])
    assert (first, second) == ([1, 2], [0, 1])


def test_another_table_makes_another_plot():
    table = TABLES[plots.calibration]
    assert plots.calibration(table[:5]) != plots.calibration(table)
