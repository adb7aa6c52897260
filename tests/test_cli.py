"""Arguments and exit codes; whole runs are tested elsewhere."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import duckdb
import pytest

from orchestration import arguments, cli, ui
from orchestration.cli import main
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.warehouse import dbt_build
from tests.outputs.delivery.conftest import Shop


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("COMEBACK_HOME", str(tmp_path))
    return tmp_path


COMMANDS = [
    *("init", "inspect", "source", "land", "run", "replay", "train", "erase", "access", "rectify"),
    *("encrypt", "status", "runs", "models", "accept", "deliver", "explain", "ui", "completion"),
]


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
        (["statsu"], "did you mean 'status'?"),
        (["land", "x.csv"], "--source"),
        (["land", "x", "--soruce=y"], "'--soruce' is no option; did you mean '--source'?"),
        (["run", "--as-off", "now"], "'--as-off' is no option; did you mean '--as-of'?"),
        (["status", "--jsn"], "'--jsn' is no option; did you mean '--json'?"),
        (["status", "--fly"], "comeback status: error: unrecognized arguments: --fly\n"),
        (["runs", "--last", "0"], "'0' is no number between 1 and 10000"),
        (["completion", "bsah"], "did you mean 'bash'?"),
        (["run", "--as-of", "noon"], "'noon' is no time"),
        (["run", "--as-of", "2026-10-31T10:30Z"], "is not a full hour"),
        (["run", "--source", "canonical"], "--source SOURCE belongs to --events DIR"),
        (["replay", "--from", "2026-10-31T10:00Z"], "--to"),
        (["models", "--serve"], "expected one argument"),
        (["models", "--serve", "1", "--json"], "not allowed with argument --serve"),
        (["erase"], "one of the arguments --user --visitor is required"),
        (["erase", "--user", "1", "--visitor", "2"], "not allowed with argument --user"),
    ],
)
def test_wrong_usage_ends_with_2(arguments, complaint, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert complaint in capsys.readouterr().err


def test_a_new_source_without_files_and_without_dumps_in_its_folder_is_wrong_usage(capsys):
    assert main(["source", "new", "till"]) == 2
    assert "no FILES are named" in capsys.readouterr().err


def test_what_is_like_no_command_is_taken_for_none(capsys):
    with pytest.raises(SystemExit):
        main(["fly"])
    assert "did you mean" not in capsys.readouterr().err


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"comeback {version('comeback')}\n"


def test_status_is_json_for_programs(capsys):
    assert main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "is_published": False,
        "warnings": [],
        "wrong": [],
    }


def test_verbose_counts_before_and_after_the_command():
    parse = arguments.parser().parse_args
    assert [
        parse(each).verbose for each in (["-v", "status"], ["status", "--verbose"], ["status"])
    ] == [True, True, False]


def test_runs_before_the_first_say_what_to_do(capsys, home):
    assert main(["runs"]) == 0
    assert capsys.readouterr().out == f"Nothing was run yet under {home}. Run: comeback run\n"
    assert main(["runs", "--json"]) == 0
    assert capsys.readouterr().out == "[]\n"


def test_help_needs_neither_dagster_nor_dbt_nor_a_model_nor_the_settings():
    code = (
        "import sys; import orchestration.cli;"
        "print({'dagster', 'dbt', 'duckdb', 'lightgbm', 'polars', 'pydantic', 'rich'}"
        " & set(sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "set()\n"


def test_an_hour_that_learns_nothing_loads_nothing_to_learn_with():
    code = (
        "import sys, orchestration.dagster.in_process;"
        " print({'lightgbm', 'lifelines', 'matplotlib', 'scipy', 'sklearn'} & set(sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "set()\n"


def test_a_replay_that_ends_before_it_begins_is_wrong_usage_in_one_line(capsys):
    arguments = ["replay", "--from", "2026-10-31T10:00Z", "--to", "2026-10-31T09:00Z"]
    assert main(arguments) == 2
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
    # a monitor that looks at the wrong home must not find that all is well
    assert main(["status", "--check"]) == 1


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
    monkeypatch.setattr(ui.os, "execve", lambda *arguments: called.append(arguments))
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


@pytest.mark.parametrize("path", ["{home}/no such.csv", "{home}/nowhere/", "file://{home}/x.csv"])
@pytest.mark.parametrize("command", [["land"], ["run", "--events"]])
def test_a_named_path_that_is_not_there_ends_with_2_and_the_path(capsys, home, command, path):
    named = path.format(home=home)
    assert main([*command, named, "--source", "canonical"]) == 2
    assert capsys.readouterr().err == (
        f"comeback: no such file or folder, {named}, correct the path\n"
    )


@pytest.mark.parametrize("port", ["0", "65536", "-1", "3000.5", "http", "", "9" * 5000])
def test_a_port_that_is_none_ends_the_ui_with_2_and_one_line(capsys, port):
    assert main(["ui", f"--port={port}"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"comeback: '{port[:20]}")
    assert error.endswith("is no port, --port, give one between 1 and 65535\n")
    assert error.count("\n") == 1


def test_a_port_that_is_taken_ends_the_ui_with_one_line(capsys, monkeypatch):
    monkeypatch.setattr(ui.os, "execve", pytest.fail)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["ui", "--port", str(port)]) == 1
    assert capsys.readouterr().err == (
        f"comeback: the UI cannot listen there (Address already in use), 127.0.0.1:{port},"
        f" end what listens on it, or choose another: comeback ui --port {port + 1}\n"
    )


@pytest.mark.parametrize("wrapped", [False, True])
def test_an_interruption_is_one_line_and_130(monkeypatch, capsys, wrapped):
    def status(*_):
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as interrupt:
            if wrapped:
                raise RuntimeError("a library gave up") from interrupt
            raise

    monkeypatch.setattr(cli, "status", status)
    monkeypatch.setattr(cli.signal, "signal", lambda *_: None)
    assert main(["status"]) == 130
    assert capsys.readouterr().err == (
        "comeback: interrupted, what was done so far is whole, run the command again\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "sign", [pytest.param("dagster/dagster.yaml", marks=pytest.mark.heavy), "run.lock"]
)
def test_ctrl_c_in_the_middle_of_a_run_ends_it_with_one_line(home, sign):
    rows = "visitor_id,event_at,event_type\nann,2026-11-20T08:00:00Z,view_item\n"
    (home / "landing" / "canonical").mkdir(parents=True)
    (home / "landing" / "canonical" / "a.csv").write_text(rows)
    dbt_build.prepare_manifest(Home(home), Settings())
    program = Path(sys.executable).with_name("comeback")
    run = subprocess.Popen(
        [program, "run", "--as-of", "latest"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 300
    while not (home / sign).exists() and time.monotonic() < deadline:
        time.sleep(0.05)  # how far it has come, whatever the machine's speed
    os.killpg(run.pid, signal.SIGINT)
    _, said = run.communicate(timeout=120)
    assert run.returncode == 130, said
    assert "Traceback" not in said
    assert said.splitlines()[-1].startswith("comeback: interrupted, ")


@pytest.fixture(scope="session")
def wide_csv(tmp_path_factory):
    """A file of 1,900 columns, just below the limit, and of so many rows that it takes minutes."""
    path = tmp_path_factory.mktemp("wide") / "wide.csv"
    extra = range(1_897)
    row = f"2026-11-20T08:00:00Z,view_item,{','.join(map(str, extra))}\n"
    with path.open("w") as file:
        names = ",".join(f"column_{number}" for number in extra)
        file.write(f"visitor_id,event_at,event_type,{names}\n")
        file.writelines(f"v{number},{row}" for number in range(20_000))
    return path


@pytest.mark.slow
@pytest.mark.heavy
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda each: each.name)
def test_a_signal_in_the_middle_of_a_wide_file_ends_the_landing_at_once(home, wide_csv, number):
    dbt_build.prepare_manifest(Home(home), Settings())
    program = Path(sys.executable).with_name("comeback")
    landing = subprocess.Popen(
        [program, "land", wide_csv, "--source", "canonical"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    # the step has begun when Dagster writes down what it prints; the file is read from then on
    deadline = time.monotonic() + 300
    while not [*home.glob("dagster/**/*.err")] and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(2)
    assert landing.poll() is None
    before = time.monotonic()
    os.killpg(landing.pid, number)
    out, said = landing.communicate(timeout=120)
    # 2 s are what is promised; a machine that others use, too, may be several times slower
    assert time.monotonic() - before < 10
    assert landing.returncode == 130, said
    assert "Traceback" not in said
    assert said.splitlines()[-1].startswith("comeback: interrupted, ")
    assert out == ""
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as warehouse:
        assert warehouse.execute("select count(*) from raw.files").fetchall() == [(0,)]
        runs = warehouse.execute("select job, status from scores.runs").fetchall()
    assert runs == [("land", "failed")]


@pytest.mark.usefixtures("no_pauses")
def test_delivering_says_where_to_what_failed_and_what_there_is_none_of(
    capsys, home, tmp_path_factory
):
    assert main(["deliver"]) == 1
    assert "nothing was exported yet" in capsys.readouterr().err
    Home(home).prepare()
    duckdb.connect(str(home / "warehouse.duckdb")).close()
    assert main(["deliver"]) == 1
    assert "no export has an address to be delivered to" in capsys.readouterr().err
    Shop(home).export("2026-10-31T10Z")
    settings = '[exports.email]\nprofile = "email"\ndeliver_to = "{}"\n'
    out = tmp_path_factory.mktemp("elsewhere") / "out"
    (home / "comeback.toml").write_text(settings.format(out))
    assert main(["deliver"]) == 0
    said = capsys.readouterr().out
    assert said == f"Delivered  email to {out}: 2026-10-31T10Z\n"
    assert main(["deliver"]) == 0
    assert capsys.readouterr().out.endswith("out: nothing new\n")
    taken = out.with_name("taken")
    taken.write_text("")
    (home / "comeback.toml").write_text(settings.format(taken))
    assert main(["deliver"]) == 1
    assert f"Failed     {taken}: it failed with" in capsys.readouterr().err


def test_accepting_where_nothing_landed_says_what_to_do(capsys, home):
    (home / "h1.csv").touch()
    assert main(["accept", str(home / "h1.csv")]) == 1
    assert capsys.readouterr().err == (
        f"comeback: no file has landed yet, {home}, run first: comeback run\n"
    )
    assert main(["accept", str(home / "h1.csv"), "h2.csv"]) == 2
    assert capsys.readouterr().err == (
        "comeback: no such file or folder, h2.csv, correct the path\n"
    )


def test_settings_that_cannot_be_read_are_what_is_wrong(capsys, home):
    (home / "comeback.toml").write_text("threads = 'many'")
    assert main(["status", "--check"]) == 1
    assert "Wrong      'threads' cannot be 'many'" in capsys.readouterr().out


def test_a_reader_who_has_seen_enough_is_no_failure(monkeypatch, capsys):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as output:
        monkeypatch.setattr(sys, "stdout", output)
        assert main(["models"]) == 0
    assert capsys.readouterr().err == ""
