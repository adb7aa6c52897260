"""The simulated shop in a home: what goes when real dumps come, and what stays.

Belongs here: files and folders. Not here: what the simulation writes (tests/data).
"""

from datetime import UTC, datetime
from unittest import mock

import duckdb
import pytest

from orchestration.dagster import in_process
from orchestration.dagster.in_process import Launcher
from orchestration.dagster.run import open_run
from orchestration.ground.errors import ComebackError
from orchestration.ground.home import Home
from orchestration.landing import simulated_shop
from orchestration.landing.locations import Location, files_at, known_sources, land_locations
from orchestration.landing.simulated_shop import remove_simulated_shop

OWN_RATES = "date,currency,rate\n2026-01-01,JPY,0.006\n"
SIMULATED = (
    "canonical/simulated_shop/day.csv",
    "exchange_rates/simulated_shop/rates.csv",
    "calendar/simulated_shop/sales.csv",
    *(f"{name}/simulated_shop/{name}.csv" for name in ("profiles", "suppressions", "contacts")),
)


@pytest.fixture
def home(tmp_path) -> Home:
    """A home with the simulated shop, scored once."""
    home = Home(tmp_path / "home")
    home.prepare()
    for name in SIMULATED:
        put(home, name)
    home.published.write_bytes(b"published")
    home.warehouse.write_bytes(b"warehouse")
    return home


def put(home: Home, name: str, content: str = "event_id\n") -> None:
    path = home.landing / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def remove(home: Home) -> set[str]:
    """Remove it if a file in the home is not its own; what lies to be landed afterwards."""
    names = ("canonical", "exchange_rates", "calendar")
    locations = [Location(str(home.landing / name), name) for name in names]
    remove_simulated_shop(home, files_at(known_sources(home), locations, only_events=True))
    files = home.landing.rglob("*.csv")
    return {path.relative_to(home.landing).as_posix() for path in files}


def test_real_events_remove_it_and_leave_what_the_shop_put_there(home):
    put(home, "canonical/real.csv")
    put(home, "exchange_rates/own.csv", OWN_RATES)
    assert remove(home) == {"canonical/real.csv", "exchange_rates/own.csv"}
    assert (home.landing / "exchange_rates" / "own.csv").read_text() == OWN_RATES
    assert not home.published.exists()
    assert not home.warehouse.exists()


def test_rates_of_ones_own_beside_it_remove_nothing(home):
    put(home, "exchange_rates/own.csv", OWN_RATES)
    assert remove(home) == {*SIMULATED, "exchange_rates/own.csv"}
    assert home.published.read_bytes() == b"published"
    assert home.warehouse.read_bytes() == b"warehouse"


@pytest.fixture
def launcher(tmp_path, monkeypatch):
    """What a command begins with, over an empty home; what is simulated is one file a source."""

    def simulate(folder, *_, people):
        folder.mkdir(parents=True)
        (folder / "day.csv").write_text("event_id\n")
        for name in ("profiles", "suppressions", "contacts"):
            (people / name).mkdir(parents=True)
            (people / name / f"{name}.csv").write_text("user_id\n")
        return mock.Mock(events=0, files=[])

    monkeypatch.setattr(simulated_shop, "write_shop", simulate)
    monkeypatch.setattr(in_process, "build_definitions", lambda _: None)
    home = Home(tmp_path / "home")
    home.prepare()
    return lambda: Launcher(home, "run"), home


def test_sales_of_ones_own_beside_it_remove_nothing_and_stay(home):
    put(home, "calendar/own.csv", "from,to,name,country\n2026-11-27,2026-11-30,Black Friday,\n")
    assert remove(home) == {*SIMULATED, "calendar/own.csv"}
    put(home, "canonical/real.csv")
    assert remove(home) == {"canonical/real.csv", "calendar/own.csv"}


def rates_of_ones_own(home: Home, place: str) -> None:
    """Rates that lie in the home, or in a folder that is set, or that landed from elsewhere."""
    if place == "in the home":
        put(home, "exchange_rates/own.csv", OWN_RATES)
        return
    folder = home.root.parent / "rates"
    folder.mkdir()
    (folder / "own.csv").write_text(OWN_RATES)
    if place == "in a folder that is set":
        (home.root / "comeback.toml").write_text(f"[sources]\nexchange_rates = '{folder}'\n")
        return
    with duckdb.connect(str(home.warehouse)) as connection:
        locations = [Location(str(folder), "exchange_rates")]
        land_locations(connection, home, known_sources(home), locations, datetime.now(UTC))


@pytest.mark.parametrize("place", ["in the home", "in a folder that is set", "landed before"])
def test_rates_alone_are_no_shop_one_may_be_simulated_beside_them(launcher, place):
    begun, home = launcher
    rates_of_ones_own(home, place)
    begun().simulate()
    with open_run(home, "1", "hourly", datetime(2026, 11, 1)) as run:
        run.finish()
    assert all((home.landing / name).is_file() for name in SIMULATED)
    begun().simulate()  # and again, as `make run` does


def test_rates_and_events_are_a_shop(launcher):
    begun, home = launcher
    put(home, "exchange_rates/own.csv", OWN_RATES)
    put(home, "rees46/events.csv")
    with pytest.raises(ComebackError, match="a real shop's files are here already"):
        begun().simulate()
