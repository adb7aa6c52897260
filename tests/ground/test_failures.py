"""What failures of disks, folders and files are reported as."""

import os
import signal
import threading
from pathlib import Path

import duckdb
import pytest

from orchestration.ground.errors import ComebackError
from orchestration.ground.failures import explained, is_interruption, known
from orchestration.ground.home import Home

HOME = Home(Path("/home of comeback"))
AGAIN = "then run again: what was done so far is whole"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            'IO Error: Could not write file "/a b/x.duckdb": No space left on device',
            "there is no room to write (No space left on device), /a b/x.duckdb,"
            f" free some of the disk, {AGAIN}",
        ),
        (
            'FATAL Error: database has been invalidated. Original error: "IO Error: Corrupt'
            ' database file? Could not write file "/a "b"/x.duckdb": File too large"',
            'there is no room to write (File too large), /a "b"/x.duckdb,'
            f" free some of the disk, {AGAIN}",
        ),
        (
            "(sqlite3.OperationalError) database or disk is full",
            "there is no room to write (database or disk is full), /home of comeback,"
            f" free some of the disk, {AGAIN}",
        ),
        (
            "[Errno 13] Permission denied: '/a b/.x.1.tmp'",
            "it may not be written to (Permission denied), /a b/.x.1.tmp,"
            f" let this user write there, {AGAIN}",
        ),
        (
            "(sqlite3.DatabaseError) database disk image is malformed",
            "the record of runs is damaged, /home of comeback/dagster,"
            " move the folder away: Dagster makes a new one, and no table is in it",
        ),
        (
            "Corrupt database file: computed checksum 1 does not match stored checksum 2",
            "the warehouse is damaged, /home of comeback/warehouse.duckdb,"
            " rebuild it from the kept dumps: comeback run --rebuild",
        ),
    ],
)
def test_a_failure_below_us_is_one_line_of_what_where_and_what_to_do(text, line):
    assert str(known(text, HOME)) == line


@pytest.mark.parametrize(
    "text",
    [
        "division by zero",
        'IO Error: Could not read enough bytes from file "/dumps/a.parquet"',
    ],
)
def test_other_failures_are_left_as_they_are(text):
    error = ValueError(text)
    assert explained(error, HOME) is error


def test_the_failure_that_others_were_raised_from_is_the_one_that_is_reported():
    outer, inner = RuntimeError("step failed"), OSError(28, "No space left on device", "/full/x")
    outer.__cause__ = inner
    assert str(explained(outer, HOME)).startswith(
        "there is no room to write (No space left on device), /full/x"
    )
    inner.__context__ = ComebackError("what", "where", "to do")
    assert str(explained(outer, HOME)) == "what, where, to do"


@pytest.mark.timeout(10)
def test_failures_that_lead_back_to_each_other_come_to_an_end():
    one, other = RuntimeError("one"), RuntimeError("other")
    one.__cause__, other.__context__ = other, one
    assert explained(one, HOME) is one


class _Interrupted(BaseException):
    """What a handler of signals may raise."""


def test_a_query_that_a_signal_ended_was_interrupted_whatever_the_handler_raises():
    def raising(*_):
        raise _Interrupted

    before = signal.signal(signal.SIGINT, raising)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    # it ends by itself: now and then DuckDB stops only where a query does
    seconds = "select sum(range % 7) from range(400_000_000)"
    timer.start()
    try:
        # by one thread, or on many cores it is over before the signal
        with (
            duckdb.connect(config={"threads": 1}) as connection,
            pytest.raises(RuntimeError) as ended,
        ):
            connection.execute(seconds)
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)
    assert is_interruption(ended.value)


def test_other_failures_of_a_library_are_no_interruptions():
    assert not is_interruption(RuntimeError("Query interrupted by a lack of memory"))
    assert not is_interruption(OSError("Query interrupted"))
