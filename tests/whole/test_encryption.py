"""Whole hours over an encrypted warehouse: the same as without a key, and no person on the disk."""

import csv
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.simulated_shop import write_shop
from orchestration.ground.checkout import DBT_PROJECT, REPOSITORY
from orchestration.ground.encryption import DATABASE_KEY, is_encrypted
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings, load_settings
from orchestration.privacy import encrypting
from orchestration.warehouse import dbt_build
from tests.encrypted import KEY, give_key
from tests.whole.kills import kill_and_go_on, moments_over
from tests.whole.twins import Shop, differences

# tests/warehouse/test_encrypted.py has one of each kind that is quick
pytestmark = [pytest.mark.slow, pytest.mark.heavy]

START = datetime(2026, 10, 1, tzinfo=UTC)
OF_THE_VAULT = ("email", "phone", "first_name", "last_name")
# what is for the shop's tools
FOR_OTHERS = "exports/"
# where ids of visitors and users are to be read
FOR_ANALYSTS = "published/"


def comeback(home: Path, *arguments: str, key: str = "") -> str:
    """What the command says, in a process of its own, in which DuckDB may encrypt."""
    if arguments[0] == "run":
        dbt_build.prepare_manifest(Home(home), Settings(), DBT_PROJECT)
    done = subprocess.run(
        [sys.executable, "-m", "tests.encrypted", *arguments],
        env={**os.environ, "COMEBACK_HOME": str(home), DATABASE_KEY: key},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr
    assert KEY not in done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two homes after an hour over a shop that knows its people: encrypted and plain."""
    folder = tmp_path_factory.mktemp("shop")
    dumps = folder / "dumps"
    write_shop(
        dumps / "canonical",
        folder / "truth",
        visitors=150,
        days=4,
        start=START,
        slice_name="day",
        people=dumps,
    )
    places = "".join(f"{each.name} = '{each}'\n" for each in sorted(dumps.iterdir()))
    # parsed for one that is not compared: dbt leaves more files where it parses
    dbt_build.prepare_manifest(Home(folder), Settings(), DBT_PROJECT)
    made = {name: tmp_path_factory.mktemp(name) for name in ("plain", "encrypted")}
    for name, home in made.items():
        (home / "comeback.toml").write_text(f"[sources]\n{places}")
        key = KEY if name == "encrypted" else ""
        comeback(home, "run", "--as-of", "latest", "--verbose", key=key)
    return made


def people(home: Path) -> list[dict[str, str]]:
    """The profiles that were delivered."""
    path = Path(load_settings(home).sources["profiles"]) / "profiles.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def words_of(rows: list[dict[str, str]], *columns: str) -> set[str]:
    """What stands there about people, if it is long enough to mean nothing else."""
    return {row[name] for row in rows for name in columns if len(row[name] or "") >= 6}


def files_with(home: Path, words: set[str]) -> set[str]:
    """The files of Comeback's own whose bytes hold one of some words."""
    sought = {text.encode() for word in words for text in (word, word.lower())}
    contents = {
        name: path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and not (name := path.relative_to(home).as_posix()).startswith(FOR_OTHERS)
    }
    return {name for name, content in contents.items() if any(map(content.__contains__, sought))}


def test_an_hour_with_a_key_is_the_hour_without_one(homes):
    assert is_encrypted(homes["encrypted"] / "warehouse.duckdb")
    assert not is_encrypted(homes["plain"] / "warehouse.duckdb")
    assert differences(homes["encrypted"], homes["plain"]) == []


def test_no_person_and_no_key_stands_in_a_file_of_the_home(homes):
    rows = people(homes["plain"])
    words, ids = words_of(rows, *OF_THE_VAULT), words_of(rows, "user_id")
    assert min(len(words), len(ids)) > 40
    assert files_with(homes["plain"], words) == {"warehouse.duckdb"}
    assert files_with(homes["encrypted"], words) == set()
    with_ids = files_with(homes["encrypted"], ids)
    assert {each for each in with_ids if not each.startswith(FOR_ANALYSTS)} == set()
    assert files_with(homes["encrypted"], {KEY, json.dumps(KEY)[1:-1]}) == set()


def test_the_status_says_whether_the_warehouse_is_encrypted(homes):
    for name, said in (("encrypted", "encrypted"), ("plain", "not encrypted")):
        key = KEY if name == "encrypted" else ""
        assert f"\nWarehouse  {said}\n" in comeback(homes[name], "status", key=key)
        found = json.loads(comeback(homes[name], "status", "--json", key=key))
        assert (found["is_encrypted"], found["wrong"]) == (name == "encrypted", [])


def test_a_person_has_access_and_is_erased_with_the_key(homes, tmp_path):
    home = Path(shutil.copytree(homes["encrypted"], tmp_path / "home"))
    row = people(home)[0]
    assert row["email"] in comeback(home, "access", "--user", row["user_id"], key=KEY)
    said = comeback(home, "erase", "--user", row["user_id"], key=KEY)
    assert "nothing found" in said
    assert is_encrypted(home / "warehouse.duckdb")
    assert files_with(home, words_of(people(home), *OF_THE_VAULT)) == set()


def test_a_rebuilt_warehouse_is_encrypted_and_knows_everybody(homes, tmp_path):
    home = Path(shutil.copytree(homes["encrypted"], tmp_path / "home"))
    row = people(home)[0]
    (home / "warehouse.duckdb").unlink()
    comeback(home, "run", "--as-of", "latest", "--rebuild", key=KEY)
    assert is_encrypted(home / "warehouse.duckdb")
    assert row["email"] in comeback(home, "access", "--user", row["user_id"], key=KEY)
    assert files_with(home, words_of(people(home), *OF_THE_VAULT)) == set()


def test_hours_that_are_killed_with_a_key_end_as_the_twin_without_one(
    shop: Shop, tmp_path: Path, request: pytest.FixtureRequest
):
    before = Path(shutil.copytree(shop.before, tmp_path / "before"))
    request.getfixturevalue("key")
    encrypting.encrypt(Home(before), Settings())
    moments = [*moments_over(shop.seconds, times=2, seed=5)]
    trial = kill_and_go_on(replace(shop, before=before), tmp_path / "trial", moments, give_key)
    assert trial.faults == []
    # under load the twin may have taken longer than the hour that was to be killed
    assert trial.kills >= 1
