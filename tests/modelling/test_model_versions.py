"""All versions of the models, and the step back to one of them."""

import json
from datetime import datetime, timedelta

import duckdb
import pytest

from orchestration.cli import main
from orchestration.ground.home import Home
from orchestration.ground.hours import iso
from orchestration.ground.settings import Settings
from orchestration.modelling import model_versions
from orchestration.modelling.model_store import Decision, ModelStore
from orchestration.status import status
from orchestration.warehouse import run_log
from orchestration.warehouse.database import ensure_score_tables
from tests.modelling.test_model_store import model

TEN = datetime(2026, 10, 31, 10)
LATER = TEN + timedelta(days=1)


@pytest.fixture
def home(tmp_path, monkeypatch) -> Home:
    """A home that scored two hours and learned two return models, the second of which serves."""
    monkeypatch.setenv("COMEBACK_HOME", str(tmp_path))
    home = Home(tmp_path)
    home.prepare()
    with duckdb.connect(str(home.warehouse)) as connection:
        ensure_score_tables(connection)
        for hour in (TEN, LATER):
            run = {"job": "hourly", "as_of": hour, "started_at": hour, "settings": Settings()}
            run_log.begin_run(connection, iso(hour), **run)
            run_log.note_run(connection, iso(hour), carts_scored=1)
            run_log.end_run(connection, iso(hour), "done", hour)
    model_store = ModelStore(home.models)
    for curve, hour, reason in ((b"1", TEN, "the first model"), (b"2", LATER, "better")):
        card, files = model(curve, hour)
        model_store.save(card, files)
        model_store.decide("return", Decision(card.model_id, iso(hour), True, reason))
    return home


@pytest.fixture
def ids(home) -> tuple[str, str]:
    """The first model, and the second."""
    first, second = (each.model_id for each in model_versions.versions(home))
    return first, second


def audit(home: Home) -> list[tuple]:
    with duckdb.connect(str(home.warehouse)) as connection:
        # without the settings that the first run notes
        return connection.execute(
            "select deed, counts from scores.audit_log where deed != 'settings'"
        ).fetchall()


def test_all_versions_are_listed_with_why_each_was_taken(ids, capsys):
    assert main(["models"]) == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split() == [
        "model",
        "id",
        "kind",
        "learned_at",
        "rows",
        "state",
        "figures",
        "why",
    ]
    assert [line.split()[:6] for line in lines] == [
        ["return", ids[0], "fallback", "2026-10-31T10:00:00Z", "0", "served"],
        ["return", ids[1], "fallback", "2026-11-01T10:00:00Z", "0", "serves"],
    ]
    assert lines[0].endswith("the first model")
    assert lines[1].endswith("better")
    assert main(["models", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(each["model_id"], each["is_serving"], each["reason"]) for each in found] == [
        (ids[0], False, "the first model"),
        (ids[1], True, "better"),
    ]


def test_before_the_first_model_there_is_nothing_to_list(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COMEBACK_HOME", str(tmp_path))
    assert main(["models"]) == 0
    assert capsys.readouterr().out == (
        f"No model was learned yet under {tmp_path}. Run: comeback run\n"
    )
    assert main(["models", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_an_earlier_version_serves_again_from_the_newest_hour_on(home, ids, capsys):
    first, second = ids
    assert main(["models", "--serve", first]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"return: {first} serves from 2026-11-01T10:00:00Z on; before: {second}",
        "Score with it: comeback run",
    ]
    model_store = ModelStore(home.models)
    assert model_store.champion("return", LATER) == first
    assert model_store.champion("return", LATER - timedelta(hours=1)) == first
    assert audit(home) == [
        ("serve", json.dumps({"before": second, "model": "return", "served": first}))
    ]
    assert main(["models", "--serve", first]) == 0
    assert "in use already" in capsys.readouterr().out
    assert main(["models", "--serve", second]) == 0
    assert model_store.champion("return", LATER) == second
    assert [deed for deed, _ in audit(home)] == ["serve", "serve"]


def test_a_version_that_was_not_taken_serves_with_a_warning(home, capsys):
    card, files = model(b"3", LATER)
    model_store = ModelStore(home.models)
    model_store.save(card, files)
    refused = Decision(card.model_id, iso(LATER), False, "its loss is not lower")
    model_store.decide("return", refused)
    assert main(["models", "--serve", card.model_id]) == 0
    assert "Warning    it had not been taken: its loss is not lower\n" in capsys.readouterr().out
    assert model_store.champion("return", LATER) == card.model_id


@pytest.mark.parametrize("wanted", ["000000000000", "../return", ""])
def test_an_unknown_version_ends_with_2_and_one_line(home, wanted, capsys):
    assert main(["models", "--serve", wanted]) == 2
    assert capsys.readouterr().err == (
        f"comeback: there is no model '{wanted}', {home.models}, see them: comeback models\n"
    )
    assert audit(home) == []


def test_a_damaged_version_ends_with_2_and_one_line(home, ids, capsys):
    path = home.models / "return" / ids[0] / "curve.json"
    path.write_bytes(b"9")
    assert main(["models", "--serve", ids[0]]) == 2
    assert capsys.readouterr().err == (
        f"comeback: the return model {ids[0]} is damaged (curve.json is not what was saved) and"
        f" cannot serve, {path.parent}, see them: comeback models\n"
    )
    assert main(["models"]) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if ids[0] in line)
    assert line.endswith("damaged: curve.json is not what was saved")


def test_status_names_the_damaged_model_and_its_file_and_what_serves(home, ids):
    first, second = ids
    assert status(home).wrong == []
    path = home.models / "return" / second / "card.json"
    path.write_bytes(b"{")
    assert status(home).wrong == [
        f"the return model {second} is damaged (card.json is not what was saved), {first} serves in"
        f" its place, {path.parent}, mend it: comeback train"
    ]
