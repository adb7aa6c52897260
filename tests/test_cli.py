"""Arguments and exit codes; whole runs are tested elsewhere."""

import subprocess
import sys

import pytest

from orchestration import cli
from orchestration.cli import main


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("COMEBACK_HOME", str(tmp_path))
    return tmp_path


COMMANDS = ["init", "land", "run", "replay", "train", "erase", "status", "ui"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_helps_with_one_example(command, capsys):
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0
    assert capsys.readouterr().out.count(f"Example: comeback {command}") == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "required"),
        (["fly"], "invalid choice"),
        (["land", "x.csv"], "--source"),
        (["run", "--as-of", "noon"], "'noon' is no time"),
        (["run", "--as-of", "2026-10-31T10:30Z"], "is not a full hour"),
        (["run", "--events", "dumps"], "--events DIR and --source SOURCE belong together"),
        (["replay", "--from", "2026-10-31T10:00Z"], "--to"),
        (["erase"], "one of the arguments --user --visitor is required"),
        (["erase", "--user", "1", "--visitor", "2"], "not allowed with argument --user"),
    ],
)
def test_wrong_usage_ends_with_2(arguments, complaint, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert complaint in capsys.readouterr().err


def test_help_needs_neither_dagster_nor_dbt_nor_a_model_nor_the_settings():
    code = (
        "import sys; import orchestration.cli;"
        "print({'dagster', 'dbt', 'duckdb', 'lightgbm', 'polars', 'pydantic'} & set(sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "set()\n"


def test_a_replay_that_ends_before_it_begins_fails_in_one_line(capsys):
    arguments = ["replay", "--from", "2026-10-31T10:00Z", "--to", "2026-10-31T09:00Z"]
    assert main(arguments) == 1
    assert capsys.readouterr().err == (
        "comeback: there is no hour to replay, --from is after --to, swap the two\n"
    )


def test_init_writes_the_settings_with_comments_once_and_prints_where(capsys, home):
    assert main(["init"]) == 0
    path = home / "comeback.toml"
    assert capsys.readouterr().out == f"{path}\n"
    written = path.read_text()
    assert "\n#session_gap_minutes = 30\n" in written
    assert main(["init"]) == 1
    assert capsys.readouterr().err == (
        f"comeback: there are settings already, {path}, edit that file, or move it away first\n"
    )
    assert path.read_text() == written


def test_status_before_the_first_run_says_what_to_do(capsys, home):
    assert main(["status"]) == 0
    assert capsys.readouterr().out == (
        f"Nothing was published yet under {home}. Run: comeback run\n"
    )


def test_what_nobody_foresaw_is_one_line_too_and_a_traceback_with_debug(monkeypatch, capsys):
    def broken(*_):
        raise ZeroDivisionError("division\nby zero")

    monkeypatch.setattr(cli, "status", broken)
    broken.__name__ = "status"
    assert main(["status"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("comeback: something unforeseen happened, ZeroDivisionError: division")
    assert error.count("\n") == 1
    with pytest.raises(ZeroDivisionError):
        main(["--debug", "status"])


def test_the_ui_keeps_its_state_in_the_home_and_listens_on_this_machine_only(monkeypatch, home):
    called = []
    monkeypatch.setattr(cli.os, "execve", lambda *arguments: called.append(arguments))
    assert main(["ui", "--port", "3456"]) == 0
    ((program, arguments, environment),) = called
    assert program.endswith("/dagster")
    assert arguments[1:] == [
        "dev",
        "-m",
        "orchestration.dagster.definitions",
        "-h",
        "127.0.0.1",
        "-p",
        "3456",
    ]
    assert environment["DAGSTER_HOME"] == str(home / "dagster")
    assert (home / "dagster" / "dagster.yaml").exists()


@pytest.mark.parametrize(
    "command",
    [
        ["land", "{}/gone", "--source", "canonical"],
        ["land", "{}", "{}/gone.csv", "--source", "canonical"],
        ["run", "--events", "{}/gone", "--source", "canonical"],
        ["land", "memory://gone/a.csv", "--source", "canonical"],
    ],
)
def test_a_named_path_that_is_not_there_is_wrong_usage(command, tmp_path, capsys):
    with pytest.raises(SystemExit) as usage:
        cli.main([each.format(tmp_path) for each in command])
    assert usage.value.code == 2
    gone = next(each.format(tmp_path) for each in command if "gone" in each)
    assert f"there is no file or folder {gone}" in capsys.readouterr().err
