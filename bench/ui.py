"""From a file that lands to its rows in the export, with nobody at the keyboard.

Belongs here: Dagster's daemon over a home, a file put into a source's folder, and waiting for what
comes of it. Not here: what the sensors do.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import polars as pl

from bench import shops
from bench.processes import HERE
from orchestration.ground.home import Home
from orchestration.ground.hours import hour_name
from orchestration.outputs.export_files import FILE

READY_SECONDS = 600.0
EXPORTED_SECONDS = 600.0
_LOOK_SECONDS = 0.2


@contextmanager
def watching(home: Home) -> Iterator[None]:
    """Have the UI and its daemon over a home, its sensors having seen what lies there already."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        HERE.comeback("ui", "--port", str(port)),
        env={**os.environ, "COMEBACK_HOME": str(home.root)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait(lambda: _hourly_runs_by_sensor(home) > 0, READY_SECONDS, "the sensors to see files")
        yield
    finally:
        _end_session(process)


def seconds_to_export(home: Home, hour: datetime, rows: pl.DataFrame) -> float:
    """Put rows into the source's folder; the seconds until the hour's export names their people."""
    people = set(rows["visitor_id"].drop_nulls().to_list())
    shops.deliver(rows, home.landing / "canonical", f"{hour_name(hour)}.parquet")
    begun = time.perf_counter()
    file = home.exports / hour_name(hour) / FILE

    def is_exported() -> bool:
        if not file.exists():
            return False
        return not people.isdisjoint(pl.read_csv(file, infer_schema=False)["visitor_id"].to_list())

    _wait(is_exported, EXPORTED_SECONDS, "the rows to be exported")
    return time.perf_counter() - begun


def _hourly_runs_by_sensor(home: Home) -> int:
    import dagster as dg

    done = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.SUCCESS], tags={"dagster/sensor_name": "files_landed"}
    )
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        return instance.get_runs_count(done)


def _wait(is_so: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}")
        time.sleep(_LOOK_SECONDS)


def _end_session(process: subprocess.Popen) -> None:
    """End the process and all it started, which do not end by a signal to the first alone."""
    for number, patience in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0)):
        for pid in _members(process.pid):
            os.kill(pid, number)
        deadline = time.monotonic() + patience
        while _members(process.pid) and time.monotonic() < deadline:
            process.poll()
            time.sleep(_LOOK_SECONDS)
    process.wait()


def _members(session: int) -> list[int]:
    """The processes of a session."""
    members = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.getsid(int(entry.name)) == session:
                    members.append(int(entry.name))
            except ProcessLookupError:
                continue
    return members
