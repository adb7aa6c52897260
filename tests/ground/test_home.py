"""Where state lies, and the lock."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from orchestration.ground import home as home_module
from orchestration.ground.errors import ComebackError
from orchestration.ground.files import replace_file
from orchestration.ground.home import Home

REPOSITORY = Path(__file__).resolve().parents[2]


def test_the_home_is_comeback_home_else_the_data_folder_of_the_checkout(monkeypatch, tmp_path):
    monkeypatch.setenv("COMEBACK_HOME", str(tmp_path))
    assert Home.from_environment().root == tmp_path
    monkeypatch.delenv("COMEBACK_HOME")
    assert Home.from_environment().root == REPOSITORY / "data"


def test_dagster_is_reported_to_run_one_run_at_a_time_and_to_send_nothing(tmp_path):
    Home(tmp_path).prepare()
    instance = yaml.safe_load((tmp_path / "dagster" / "dagster.yaml").read_text())
    assert instance["telemetry"] == {"enabled": False}
    assert instance["nux"] == {"enabled": False}
    assert instance["concurrency"]["runs"]["max_concurrent_runs"] == 1
    assert instance["run_monitoring"] == {"enabled": True}


def test_a_home_that_is_made_is_its_owners_only(tmp_path):
    home = Home(tmp_path / "made" / "here")
    home.prepare()
    assert {each.stat().st_mode & 0o777 for each in (home.root, home.temporary)} == {0o700}
    # with the home opened, nobody reads more than what is for others
    modes = {each.name: each.stat().st_mode & 0o007 for each in home.root.iterdir()}
    assert {name for name, mode in modes.items() if mode} == {"published", "exports"}
    assert {name for name, mode in modes.items() if not mode} == {
        *("landing", "models", "dagster", "dbt", "tmp"),
    }
    # opened to analysts since, or made by the shop
    home.root.chmod(0o711)
    (tmp_path / "own").mkdir(mode=0o755)
    for root in (home.root, tmp_path / "own"):
        before = root.stat().st_mode
        Home(root).prepare()
        assert root.stat().st_mode == before


def test_the_data_of_the_checkout_are_closed_once_and_stay_as_they_are_opened(
    tmp_path, monkeypatch, caplog
):
    caplog.set_level("INFO")
    monkeypatch.setattr(home_module, "REPOSITORY", tmp_path)
    home = Home(tmp_path / "data")
    home.root.mkdir(mode=0o755)

    def mode() -> int:
        return home.root.stat().st_mode & 0o777

    home.prepare()
    said = f"Made {home.root} its owner's only, for personal data will lie there."
    assert (mode(), caplog.messages) == (0o700, [said])
    # opened to analysts; then the warehouse is deleted, to be built again
    home.root.chmod(0o711)
    with home.lock():
        home.warehouse.write_bytes(b"")
    home.prepare()
    home.warehouse.unlink()
    home.prepare()
    assert (mode(), caplog.messages) == (0o711, [said])
    # with the record of runs moved away, too
    home.dagster.rename(tmp_path / "damaged")
    home.prepare()
    assert (mode(), caplog.messages) == (0o711, [said])


def test_an_instance_file_that_a_shop_changed_is_kept(tmp_path):
    home = Home(tmp_path)
    home.prepare()
    (home.dagster / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    home.prepare()
    assert (home.dagster / "dagster.yaml").read_text() == "telemetry: {enabled: false}\n"


def test_a_home_that_cannot_be_written_is_reported_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ComebackError, match="set COMEBACK_HOME to a folder"):
        Home(tmp_path / "file").prepare()


@pytest.mark.parametrize("name", ["shop #1", "shop?", "shop [1]", "shops*", "my%20shop"])
def test_a_home_whose_name_dbt_or_dagster_would_misread_is_refused_in_one_line(tmp_path, name):
    with pytest.raises(ComebackError, match="cannot lie in a folder with #, "):
        Home(tmp_path / name).prepare()
    assert not (tmp_path / name).exists()


def test_what_else_a_folder_is_called_does_not_matter(tmp_path):
    Home(tmp_path / "it's 50% a]shop, \u00fc").prepare()


def test_the_lock_is_refused_with_the_process_that_holds_it_and_goes_when_that_dies(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from orchestration.ground.home import Home\n"
        f"with Home(Path({str(tmp_path)!r})).lock():\n"
        "    print('held', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=REPOSITORY
    ) as holder:
        assert holder.stdout.readline() == b"held\n"
        with (
            pytest.raises(ComebackError, match=f"process {holder.pid} holds the lock"),
            Home(tmp_path).lock(wait_seconds=0),
        ):
            pass
        holder.kill()
        holder.wait()
    with Home(tmp_path).lock(wait_seconds=0):
        pass


def test_a_replaced_file_leaves_nothing_beside_it(tmp_path):
    replace_file(tmp_path / "latest.json", b"old")
    replace_file(tmp_path / "latest.json", b"new")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"latest.json": b"new"}
