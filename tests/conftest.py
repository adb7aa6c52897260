"""What every test may use."""

import fcntl
import functools
import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from types import SimpleNamespace

import pytest

from orchestration.ground import encryption
from orchestration.ground.checkout import DBT_PROJECT
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.modelling.holdout_arms import KEY_VARIABLE
from orchestration.outputs.delivery import attempts
from orchestration.warehouse import dbt_build, kept_statements
from orchestration.warehouse.dbt_manifest import FINGERPRINT, copy_parsed
from orchestration.warehouse.dbt_tuning import no_collection
from orchestration.warehouse.project_hashes import project_fingerprint
from orchestration.warehouse.shared_parse import PARSING_VARIABLES
from tests.encrypted import KEY, load_weak_cryptography

TESTS = Path(__file__).parent

# Threads that wait for each other sleep: workers share the cores, and one that waits awake takes
# the time of that which it waits for. Read once, as the library is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of third-party dumps, which are not part of the repository."""
    return _shared("data")


@pytest.fixture(scope="session")
def shared_cases() -> Path:
    """The folder of inputs from the field, which lies beside that of the dumps."""
    return _shared("cases")


def _shared(name: str) -> Path:
    """A folder that is shared with others: beside the repository, or where the environment says.

    That of the dumps may say for its neighbours, too.
    """
    data = Path(os.environ.get("COMEBACK_SHARED_DATA", Path(__file__).parents[2] / "shared/data"))
    variable = f"COMEBACK_SHARED_{name.upper()}"
    folder = Path(os.environ.get(variable, data.parent / name))
    if not folder.is_dir():
        message = f"no shared {name} in {folder}: set {variable} to its folder"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(scope="session", autouse=True)
def parsed_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What dbt parsed of a project of a home's own serves the other homes with the same.

    Of the one that ships, see `shared_parse`; of workers that need it at once only one parses it.
    """
    folder = tmp_path_factory.getbasetemp()
    # the folder of all workers lies above that of each
    folder = (folder.parent if os.environ.get("PYTEST_XDIST_WORKER") else folder) / "parsed"
    folder.mkdir(exist_ok=True)
    prepare = dbt_build.prepare_manifest

    @functools.wraps(prepare)
    def prepare_from_copy(home: Home, settings: Settings, project: Path | None = None) -> Path:
        project = project or dbt_build.project_of(home)
        if project == DBT_PROJECT:
            with (folder / "lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                return prepare(home, settings, project)
        variables = dbt_build.dbt_vars(settings, project=project)
        fingerprint = project_fingerprint(project, variables)
        named = {name: variables[name] for name in PARSING_VARIABLES}
        parsed = folder / project_fingerprint(project, named)
        stamp = home.dbt / FINGERPRINT
        is_parsed = stamp.exists() and stamp.read_text() == fingerprint
        if not is_parsed and copy_parsed(parsed, home.dbt):
            stamp.write_text(fingerprint)
        manifest = prepare(home, settings, project)
        if not parsed.exists():
            made = Path(tempfile.mkdtemp(dir=folder))
            copy_parsed(home.dbt, made)
            try:
                made.rename(parsed)
            except OSError:  # another worker was first
                shutil.rmtree(made)
        return manifest

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dbt_build, "prepare_manifest", prepare_from_copy)
        yield


@pytest.fixture(scope="session", autouse=True)
def one_place_of_statements(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What dbt sends is asked once a session, whatever the home."""
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if os.environ.get("PYTEST_XDIST_WORKER") else folder
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept_statements, "kept_folder", lambda _: folder / "statements")
        yield


@pytest.fixture(scope="session", autouse=True)
def one_holdout_key() -> Iterator[None]:
    """Homes of one test hold out the same people, so that what is made of them can be compared."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(KEY_VARIABLE, "the key of all homes in tests")
        yield


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    """A key for the warehouse, and DuckDB's leave to encrypt without its extension."""
    monkeypatch.setattr(encryption, "_load_cryptography", load_weak_cryptography)
    monkeypatch.setenv(encryption.DATABASE_KEY, KEY)
    return KEY


@pytest.fixture(params=["plain", "encrypted"])
def with_and_without_key(request: pytest.FixtureRequest) -> None:
    """The test is done with a warehouse that is encrypted, too."""
    if request.param == "encrypted":
        request.getfixturevalue("key")


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is delivered is tried again at once."""
    monkeypatch.setattr(
        attempts, "time", SimpleNamespace(sleep=lambda _: None, monotonic=monotonic)
    )


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Python looks for no garbage among what is imported, neither meanwhile nor later: a fifth of
    the time that importing takes."""
    with no_collection():
        done = yield
    gc.freeze()
    return done


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread tests over the cores: a file stays together, as does all that reads one whole run or
    one model.

    The tests of the rules share only what is quickly made, so each of them may run anywhere, but
    for those of other systems' dumps, which are built once a form. The slow ones of the rules come
    last: no core waits then while another ends a long file. The very first is one that has dbt
    asked what it sends, which takes a core twenty seconds: later, all would wait for it. This hook
    runs first, because the one that puts a group into the name of its tests sees no later group.
    """
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        shared = {"simulated_home", "shop", "shopify_home"}.intersection(fixtures)
        if item.path.parent.name == "whole" and shared:
            item.add_marker(pytest.mark.xdist_group(f"whole/{min(shared)}"))
        elif item.path.parent.name != "rules" or "of_source" in fixtures:
            place = item.path.relative_to(TESTS)
            # a package of a model shares one that is learned once
            group = place.parent if len(place.parts) > 2 and place.parts[0] == "ml" else place
            item.add_marker(pytest.mark.xdist_group(group.as_posix()))
    items.sort(key=_turn)
    asking = next((each for each in items if "dbt_recording" in each.fixturenames), None)
    items.sort(key=lambda item: item is not asking)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Groups are in the names of tests on a worker: without, each whole run is made on every core.

    Raises:
        pytest.UsageError: pytest and pytest-xdist do not fit each other.
    """
    grouped = [item for item in session.items if item.get_closest_marker("xdist_group")]
    is_spread = getattr(session.config.option, "loadgroup", False)
    if is_spread and not all("@" in item.nodeid for item in grouped):
        raise pytest.UsageError("pytest-xdist puts no group into the names of tests")


def _turn(item: pytest.Item) -> int:
    if item.get_closest_marker("slow") is None:
        return 0
    return 1 if item.get_closest_marker("xdist_group") else 2
