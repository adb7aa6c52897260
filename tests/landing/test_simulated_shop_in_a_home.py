"""The simulated shop in a home: what goes when real dumps come, and what stays.

Belongs here: files and folders. Not here: what the simulation writes (tests/data).
"""

import pytest

from orchestration.ground.home import Home
from orchestration.landing import find_files
from orchestration.landing.locations import known_sources
from orchestration.landing.simulated_shop import remove_simulated_shop

OWN_RATES = "date,currency,rate\n2026-01-01,JPY,0.006\n"
SIMULATED = ("canonical/simulated_shop/day.csv", "exchange_rates/simulated_shop/rates.csv")


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
    sources = known_sources(home)
    names = ("canonical", "exchange_rates")
    found = [file for name in names for file in find_files(str(home.landing / name), sources[name])]
    remove_simulated_shop(home, found)
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
