"""The processes by which Dagster copies what a step prints, kept out of the terminal's hands.

Belongs here: how they are started. Not here: what becomes of a run that is interrupted (`cli`).

For each stream of a step Dagster starts a `tail`, and a Python process that ends it should the step
be killed. Ctrl-C reaches every process of the terminal's group: that Python process would print a
traceback, twice a command. In a session of their own neither is reached; the step ends the one and
the other when it ends, and the second sees within a second if it was killed.
"""

import subprocess
from functools import partial
from types import SimpleNamespace

from dagster._core.execution import compute_logs


def start_apart() -> None:
    """Have these processes start in sessions of their own, in this process, from now on."""
    compute_logs.subprocess = SimpleNamespace(
        Popen=partial(subprocess.Popen, start_new_session=True)
    )
