"""How far work has come: when it is said, and in which words."""

import logging
from contextlib import suppress

import pytest

from orchestration.ground import progress as module
from orchestration.ground.progress import Work, in_lines, progress


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(module, "_watcher", in_lines)
    return now


@pytest.mark.parametrize(
    ("total", "done", "seconds", "line"),
    [
        (844, 422, 10, "Landing: 422 of 844 files, 42 a second, 10 s left."),
        (4, 1, 120, "Landing: 1 of 4 files, 0.5 a minute, 6 min left."),
        (30_000, 10, 100, "Landing: 10 of 30,000 files, 6.0 a minute, 83 h 18 min left."),
        (30_000, 9, 100, "Landing: 9 of 30,000 files, 5.4 a minute."),
        (840, 1, 35, "Landing: 1 of 840 files, 1.7 a minute."),
        (20, 1, 60, "Landing: 1 of 20 files, 1.0 a minute, 19 min left."),
        (None, 1_200, 10, "Landing: 1,200 files, 120 a second."),
        (5, 0, 10, "Landing: 0 of 5 files, 0.0 a minute."),
    ],
)
def test_a_line_says_how_far_how_fast_and_how_long_still(clock, total, done, seconds, line):
    work = Work("Landing", total, "files", done, begun=100.0)
    clock[0] += seconds
    assert work.line == line


def test_a_line_comes_every_few_seconds_and_none_of_work_that_is_short(clock, caplog):
    caplog.set_level(logging.INFO, logger="orchestration")
    with progress("Landing", 100, "files") as work:
        for _ in range(16):
            clock[0] += 0.9
            work.advance()
    with progress("Landing", 1, "files") as short:
        short.advance()
    assert caplog.messages == [
        "Landing: 6 of 100 files, 1 a second, 85 s left.",
        "Landing: 12 of 100 files, 1 a second, 79 s left.",
    ]


def test_a_watcher_is_called_when_work_is_over_also_when_it_fails(clock, monkeypatch):
    calls = []
    monkeypatch.setattr(
        module, "_watcher", lambda work, is_over: calls.append((work.done, is_over))
    )
    with suppress(ZeroDivisionError), progress("Landing", 2, "files") as work:
        clock[0] += 2
        work.advance()
        _ = 1 / 0
    assert calls == [(1, False), (1, True)]
