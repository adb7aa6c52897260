"""The simulated shop in a home: added where nothing is, removed as soon as real dumps come.

Belongs here: where its dumps and its truth lie, and that simulated and real shops never mix. Not
here: the simulation (`data.simulated_shop`) or the run over it.
"""

import logging
import shutil
from collections.abc import Iterable
from pathlib import Path

from data.simulated_shop import PEOPLE_SOURCES, write_shop
from orchestration.ground.errors import ComebackError
from orchestration.ground.files import keep_private, replace_file
from orchestration.ground.home import Home
from orchestration.landing import FoundFile

logger = logging.getLogger(__name__)

SOURCE = "canonical"
FOLDER = "simulated_shop"
TRUTH = "simulated_truth"
RATES_SOURCE, CALENDAR_SOURCE = "exchange_rates", "calendar"
# What its shoppers in Britain and the United States pay in, from before its first day on.
RATES = "date,currency,rate\n2026-01-01,GBP,1.15\n2026-01-01,USD,0.92\n"
# Its shoppers take no notice: a sale that changes nothing is one that no model should learn from.
SALES = (
    "from,to,name,country\n"
    "2026-10-03,2026-10-05,Autumn days,\n"
    "2026-10-23T18:00:00Z,2026-10-26,Late October,DE\n"
)


def add_simulated_shop(home: Home, *, is_taken: bool) -> None:
    """Write the simulated shop's dumps, rates and sales into the home, unless they are there.

    Args:
        home: where to.
        is_taken: whether a file of events, of rates or sales alone is no shop, has landed in this
            home, or lies there to be landed.

    Raises:
        ComebackError: the files in this home are a real shop's.
    """
    dumps = home.landing / SOURCE / FOLDER
    if dumps.is_dir():
        _add_rates_and_sales(home)
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
    people = dumps.with_name(f".{FOLDER}_people")
    shutil.rmtree(people, ignore_errors=True)
    written = write_shop(unfinished, home.root / TRUTH, people=people)
    # the dumps of events come last: while they are not here, all of this is done again
    for name in PEOPLE_SOURCES:
        folder = _folder_of(home, name)
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        (people / name).rename(folder)
        keep_private(folder)
    people.rmdir()
    unfinished.rename(dumps)
    _add_rates_and_sales(home)
    logger.info("Simulated %d events in %d files.", written.events, len(written.files))


def remove_simulated_shop(home: Home, files: Iterable[FoundFile]) -> None:
    """Remove the simulated shop and all that was made of it if one of `files` is not its own.

    `files` are of events: rates and sales are no shop, and may be put beside the simulated one.
    The caller holds the run lock. The shop can come again: the same seed makes the same bytes.
    """
    dumps = home.landing / SOURCE / FOLDER
    paths = [Path(file.address) for file in files]
    if not dumps.is_dir() or all(path.is_relative_to(dumps) for path in paths):
        return
    logger.info("Removing the simulated shop: real dumps have come.")
    for folder in (home.models, home.published.parent, home.exports, home.root / TRUTH):
        shutil.rmtree(folder, ignore_errors=True)
    for suffix in ("", ".wal"):
        home.warehouse.with_name(home.warehouse.name + suffix).unlink(missing_ok=True)
    for name in (RATES_SOURCE, CALENDAR_SOURCE, *PEOPLE_SOURCES):
        shutil.rmtree(_folder_of(home, name), ignore_errors=True)
    # last: as long as its dumps are here, this is to be done again
    shutil.rmtree(dumps)
    home.prepare()


def _folder_of(home: Home, source: str) -> Path:
    return home.landing / source / FOLDER


def _add_rates_and_sales(home: Home) -> None:
    files = {
        _folder_of(home, RATES_SOURCE) / "rates.csv": RATES,
        _folder_of(home, CALENDAR_SOURCE) / "sales.csv": SALES,
    }
    for file, content in files.items():
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            replace_file(file, content.encode())
