"""What one home parsed is taken by others, and only where it is theirs, too."""

import json
from pathlib import Path

import pytest

from orchestration.ground.checkout import DBT_PROJECT
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.warehouse import shared_parse
from orchestration.warehouse.dbt_build import dbt_args, dbt_vars, invoke, prepare_manifest
from orchestration.warehouse.parse_shipped import parse_shipped
from orchestration.warehouse.shared_parse import PARSING_VARIABLES

FILES = ("manifest.json", "partial_parse.msgpack", "fingerprint")


def test_whatever_a_shop_sets_dbt_parses_the_same(tmp_path):
    """What one home parsed serves those with other settings ."""
    others = Settings(
        session_gap_minutes=50,
        passive_event_types=("refund",),
        bot_event_count=10,
        bot_session_hours=2,
        clock_skew_minutes=1,
        cart_expiry_days=3,
        items_from_carts=True,
        label_horizon_hours=24,
        scoring_window_days=2,
        ids={"placeholders": ["till"]},
        money={"reporting_currency": "SEK"},
        engagement={"points": 3},
        contacts={"time_zone": "Europe/Berlin", "country": "DE"},
    )
    variables, usual = dbt_vars(others), dbt_vars(Settings())
    variables["address_rules"] = [{"pattern": "/p/*", "page_type": "product"}]
    alike = {name for name, value in usual.items() if variables[name] == value}
    assert alike == set(PARSING_VARIABLES)

    ours, theirs = Home(tmp_path / "ours"), Home(tmp_path / "theirs")
    for home in (ours, theirs):
        home.prepare()
    prepare_manifest(ours, Settings())
    invoke(
        theirs,
        others,
        dbt_args("parse", project=DBT_PROJECT, target=theirs.dbt, variables=variables),
    )
    parsed, expected = (
        json.loads((home.dbt / "manifest.json").read_text()) for home in (theirs, ours)
    )
    for key in expected.keys() - {"metadata"}:
        assert _without_times(parsed[key]) == _without_times(expected[key]), key


def _without_times(value: object) -> object:
    match value:
        case dict():
            return {k: _without_times(v) for k, v in value.items() if k != "created_at"}
        case list():
            return [*map(_without_times, value)]
    return value


# `make setup`, with which every other target begins, does it in earnest
@pytest.mark.heavy
def test_setting_up_parses_for_the_first_home(tmp_path, monkeypatch):
    monkeypatch.setattr(shared_parse, "FOLDER", tmp_path / "kept")
    parse_shipped()
    assert shared_parse.take(tmp_path / "home", dbt_vars(Settings()))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where parses are kept."""
    monkeypatch.setattr(shared_parse, "FOLDER", tmp_path / "kept")
    return tmp_path / "kept"


@pytest.fixture
def parsed(tmp_path: Path) -> Path:
    """The folder of a home that has parsed."""
    home = tmp_path / "home"
    home.mkdir()
    for name in FILES:
        (home / name).write_text(f"{name} as parsed")
    return home


@pytest.mark.usefixtures("folder")
def test_a_parse_serves_homes_that_differ_in_settings_alone(parsed, tmp_path):
    variables = dbt_vars(Settings())
    other = tmp_path / "other"
    assert not shared_parse.take(other, variables)
    shared_parse.keep(parsed, variables)
    assert shared_parse.take(other, {**variables, "session_gap_minutes": 5})
    assert {path.name: path.read_text() for path in other.iterdir()} == {
        name: f"{name} as parsed" for name in FILES
    }
    for name in PARSING_VARIABLES:
        assert not shared_parse.take(tmp_path / "more", {**variables, name: []})
    assert not (tmp_path / "more").exists()


def test_a_damaged_parse_is_not_taken_and_the_next_takes_its_place(folder, parsed, tmp_path):
    variables = dbt_vars(Settings())
    shared_parse.keep(parsed, variables)
    (kept,) = folder.iterdir()
    (kept / "partial_parse.msgpack").unlink()
    assert not shared_parse.take(tmp_path / "other", variables)
    shared_parse.keep(parsed, variables)
    assert shared_parse.take(tmp_path / "other", variables)
    assert [*folder.iterdir()] == [kept]


def test_where_nothing_can_be_kept_each_home_parses_by_itself(parsed, tmp_path, monkeypatch):
    monkeypatch.setattr(shared_parse, "FOLDER", parsed / "manifest.json")
    variables = dbt_vars(Settings())
    shared_parse.keep(parsed, variables)
    assert not shared_parse.take(tmp_path / "other", variables)


def test_the_newest_three_are_kept(folder, parsed):
    variables = [{**dbt_vars(Settings()), "triggers": [n]} for n in range(5)]
    for each in variables:
        shared_parse.keep(parsed, each)
    newest = {shared_parse._folder(each) for each in variables[-3:]}
    assert {*folder.iterdir()} == newest
