"""What the command line looks like on a terminal, and elsewhere."""

import io
import logging
import re
import sys

import polars as pl
import pytest

from orchestration import terminal
from orchestration.ground.progress import Work

FRAME = pl.DataFrame({"cart": ["8f1c2ab", "[red]"], "p_abandon": [0.5, None]})


@pytest.fixture
def bars():
    screen = io.StringIO()
    return terminal.Bars(screen), screen


def test_a_bar_says_how_far_and_is_gone_when_the_work_is_over(bars):
    draw, screen = bars
    work = Work("Landing", 8, "files", done=4)
    draw(work, False)
    draw._drawn.refresh()
    assert "Landing" in screen.getvalue()
    assert "4/8" in screen.getvalue()
    assert " a second, " in screen.getvalue()
    draw(work, True)
    assert draw._drawn is None
    wiped = screen.getvalue().rsplit("0 s left.", 1)[1]
    assert "\x1b[2K" in wiped


def test_work_that_was_never_drawn_ends_silently(bars):
    draw, screen = bars
    draw(Work("Landing", 8, "files"), True)
    assert screen.getvalue() == ""


def test_lines_stand_above_the_bars_as_they_are(bars, capsys):
    draw, screen = bars
    handler = terminal._BesideBars(draw)
    record = logging.LogRecord("orchestration", logging.INFO, "", 0, "[red] %s", ("told",), None)
    work = Work("Landing", 8, "files", done=4)
    draw(work, False)
    handler.emit(record)
    draw(work, True)
    assert "[red] told\n" in screen.getvalue()
    handler.emit(record)
    assert capsys.readouterr().err == "[red] told\n"


def test_a_table_is_lines_for_a_pipe_and_fits_a_terminal(monkeypatch):
    reasons = "not active for a long time; cart unchanged for a long time"
    frame = FRAME.with_columns(reasons=pl.lit(reasons))
    header, first, second = terminal.table(frame).splitlines()
    assert header == "cart     p_abandon  reasons"
    assert (first, second) == (f"8f1c2ab  0.500      {reasons}", f"[red]               {reasons}")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "xterm")
    drawn = re.sub("\x1b\\[[0-9;]*m", "", terminal.table(frame))
    assert max(map(len, drawn.splitlines())) <= 40
    assert "[red]" in drawn
    assert drawn.count("active") == 2


def test_steps_are_said_with_v_though_dagster_sets_the_level_of_ours(monkeypatch, capsys):
    ours, steps = (logging.getLogger(name) for name in ("orchestration", "orchestration.dagster"))
    monkeypatch.setattr(ours, "handlers", [])
    monkeypatch.setattr(ours, "propagate", ours.propagate)
    before = ours.level, steps.level
    try:
        terminal.show_progress(verbose=True)
        ours.setLevel(logging.INFO)
        steps.getChild("shared").debug("Step landing.")
        assert capsys.readouterr().err.endswith(" ms  Step landing.\n")
    finally:
        ours.setLevel(before[0])
        steps.setLevel(before[1])
