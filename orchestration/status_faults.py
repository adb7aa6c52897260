"""Lines of text on what is wrong with a shop's state, for `comeback status`.

Belongs here: how one thing that is wrong looks in print. Not here: finding out what is (status.py).
"""

from datetime import datetime

from orchestration.ground.errors import ComebackError
from orchestration.ground.hours import iso, utc_now


def hour_ahead(hour: datetime) -> str:
    """An hour that was scored while the clock was ahead."""
    fault = ComebackError(
        f"the hour {iso(hour)} was scored while the clock was ahead",
        f"this machine's clock says {iso(utc_now())}",
        "it never counts as the newest until it has come; see whether the clock is right now",
    )
    return str(fault)


def landed_ahead(at: datetime) -> str:
    """Files that landed while the clock was ahead."""
    fault = ComebackError(
        f"files are recorded as landed at {iso(at)}",
        f"this machine's clock says {iso(utc_now())}",
        "the next run dates them by the clock unless the events say that it is behind; see whether"
        " it is right now",
    )
    return str(fault)


def failed_run(job: str, started_at: datetime, run_id: str, reason: str | None) -> str:
    """A run that failed and was not made good since."""
    why = f": {reason}" if reason else ""
    return f"the run {run_id} ({job}, {started_at} UTC) failed{why}; see it in the UI (make ui)"
