"""Dagster's UI and daemon in the place of this process.

Belongs here: the port and what is started. Not here: what the UI shows (`dagster`).
"""

import os
import socket
import sys
from pathlib import Path

from orchestration.ground.encryption import require_fit
from orchestration.ground.errors import ComebackError, WrongUsage
from orchestration.ground.home import Home
from orchestration.warehouse.database import require_its_key


def become(home: Home, port: str) -> None:
    """Become Dagster's UI and daemon, until interrupted.

    Raises:
        WrongUsage: the port is none.
        ComebackError: it is taken, or not for this user; or every run would fail for the key.
    """
    _require_port(port)
    home.prepare()
    require_fit(home.warehouse)
    require_its_key(home)
    dagster = str(Path(sys.executable).with_name("dagster"))
    options = [
        "-m",
        "orchestration.dagster.definitions",
        "-h",
        "127.0.0.1",
        "-p",
        port,
    ]
    places = {"COMEBACK_HOME": str(home.root), "DAGSTER_HOME": str(home.dagster)}
    os.execve(dagster, [dagster, "dev", *options], {**os.environ, **places})


def _require_port(port: str) -> None:
    """Fail at once if the UI cannot listen on a port.

    Raises:
        WrongUsage: it is no port.
        ComebackError: it is taken, or not for this user.
    """
    if not (port.isascii() and port.isdecimal() and 1 <= int(port[:6]) <= 65535):
        raise WrongUsage(f"'{port[:20]}' is no port", "--port", "give one between 1 and 65535")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(port)))
            probe.listen()
        except OSError as error:
            raise ComebackError(
                f"the UI cannot listen there ({error.strerror})",
                f"127.0.0.1:{port}",
                f"end what listens on it, or choose another: comeback ui --port {_next_port(port)}",
            ) from error


def _next_port(port: str) -> int:
    return int(port) + 1 if 1024 <= int(port) < 65535 else 3001
