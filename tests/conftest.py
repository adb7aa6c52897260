"""What every test may use."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of third-party dumps, which are not part of the repository."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("COMEBACK_SHARED_DATA", default))
    if not folder.is_dir():
        message = f"no shared data in {folder}: set COMEBACK_SHARED_DATA to its folder"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(scope="session")
def shared_cases() -> Path:
    """The folder of cases from the field, which are not part of the repository."""
    default = Path(__file__).parents[2] / "shared" / "cases"
    beside_data = Path(os.environ.get("COMEBACK_SHARED_DATA", default)).with_name("cases")
    folder = Path(os.environ.get("COMEBACK_SHARED_CASES", beside_data))
    if not folder.is_dir():
        message = f"no shared cases in {folder}: set COMEBACK_SHARED_CASES to their folder"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread tests over the cores: a file stays together, as does all that reads one whole run.

    The tests of the rules share only what is quickly made, so each of them may run anywhere. The
    slow ones of them come last: no core waits then while another ends a long file.
    """
    for item in items:
        shared = {"simulated_home", "shop"}.intersection(getattr(item, "fixturenames", ()))
        if shared:
            item.add_marker(pytest.mark.xdist_group(shared.pop()))
        elif item.path.parent.name != "rules":
            item.add_marker(pytest.mark.xdist_group(str(item.path)))
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    if item.get_closest_marker("slow") is None:
        return 0
    return 1 if item.get_closest_marker("xdist_group") else 2
