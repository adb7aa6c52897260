"""The simulated shop in a home: added where nothing is, removed as soon as real dumps come.

Belongs here: where its dumps and its truth lie, and that simulated and real shops never mix. Not
here: the simulation (`data.simulated_shop`) or the run over it.
"""

import logging
import shutil
from collections.abc import Iterable
from pathlib import Path

from data.simulated_shop import write_shop
from orchestration.ground.errors import ComebackError
from orchestration.ground.home import Home
from orchestration.landing import FoundFile

logger = logging.getLogger(__name__)

SOURCE = "canonical"
FOLDER = "simulated_shop"
TRUTH = "simulated_truth"


def add_simulated_shop(home: Home, *, is_taken: bool) -> None:
    """Write the simulated shop's dumps into the home, unless they are there.

    Args:
        home: where to.
        is_taken: whether any file has landed in this home, or lies there to be landed.

    Raises:
        ComebackError: the files in this home are a real shop's.
    """
    dumps = home.landing / SOURCE / FOLDER
    if dumps.is_dir():
        return
    if is_taken:
        raise ComebackError(
            "a real shop's files are here already",
            str(home.root),
            "run it with its dumps (EVENTS=... SOURCE=...), or set COMEBACK_HOME to another folder",
        )
    logger.info("Simulating a shop.")
    # a hidden folder is never landed, so a simulation that dies leaves nothing half
    unfinished = dumps.with_name(f".{FOLDER}")
    shutil.rmtree(unfinished, ignore_errors=True)
    written = write_shop(unfinished, home.root / TRUTH)
    unfinished.rename(dumps)
    logger.info("Simulated %d events in %d files.", written.events, len(written.files))


def remove_simulated_shop(home: Home, files: Iterable[FoundFile]) -> None:
    """Remove the simulated shop and all that was made of it if one of `files` is not its own.

    The caller holds the run lock. The shop can come again: the same seed makes the same bytes.
    """
    dumps = home.landing / SOURCE / FOLDER
    if not dumps.is_dir() or all(Path(file.address).is_relative_to(dumps) for file in files):
        return
    logger.info("Removing the simulated shop: real dumps have come.")
    for folder in (home.models, home.published.parent, home.exports, home.root / TRUTH):
        shutil.rmtree(folder, ignore_errors=True)
    for suffix in ("", ".wal"):
        home.warehouse.with_name(home.warehouse.name + suffix).unlink(missing_ok=True)
    # last: as long as its dumps are here, this is to be done again
    shutil.rmtree(dumps)
    home.prepare()
