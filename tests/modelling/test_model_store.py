"""Models on disk."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from ml.card import CARD_FILE, ModelCard, with_model_id
from orchestration.ground.errors import ComebackError
from orchestration.ground.files import replace_file
from orchestration.ground.hours import iso
from orchestration.modelling.model_store import Decision, ModelStore

TEN = datetime(2026, 10, 31, 10)
CARD = ModelCard(
    name="return",
    kind="fallback",
    trained_as_of=TEN,
    data_from=None,
    data_to=None,
    row_count=0,
    group_count=0,
    features=(),
)


def model(curve: bytes, as_of: datetime = TEN) -> tuple[ModelCard, dict[str, bytes]]:
    card = with_model_id(replace(CARD, trained_as_of=as_of), {"curve.json": curve})
    return card, {"curve.json": curve, CARD_FILE: card.to_json()}


def decision(card: ModelCard, is_promoted: bool) -> Decision:
    return Decision(card.model_id, iso(card.trained_as_of), is_promoted, "because")


def test_a_model_is_read_back_by_the_pointer_whatever_is_newer(tmp_path):
    model_store = ModelStore(tmp_path)
    first, first_files = model(b"1")
    second, second_files = model(b"2", datetime(2026, 11, 1))
    model_store.save(first, first_files)
    model_store.decide("return", decision(first, is_promoted=True))
    model_store.save(second, second_files)
    model_store.decide("return", decision(second, is_promoted=False))
    assert model_store.champion("return") == first.model_id
    assert model_store.load("return", model_store.champion("return")) == first_files
    assert [card.model_id for card in model_store.cards("return")] == [
        first.model_id,
        second.model_id,
    ]
    assert not model_store.decisions("return")[second.model_id].is_promoted


def test_an_hour_is_scored_by_the_model_that_was_the_champion_then(tmp_path):
    model_store = ModelStore(tmp_path)
    first, second, late = (
        model(name, TEN + timedelta(days=days))
        for name, days in ((b"1", 0), (b"2", 2), (b"3", 1))  # the last of a day that was replayed
    )
    for card, files in (first, second, late):
        model_store.save(card, files)
        model_store.decide("return", decision(card, is_promoted=True))
    by_day = [
        model_store.champion("return", TEN + timedelta(days=days)) for days in (-1, 0, 1, 2, 3)
    ]
    newest = second[0].model_id
    assert by_day == [None, first[0].model_id, late[0].model_id, newest, newest]
    assert model_store.champion("return") == newest


def test_before_the_first_model_there_is_no_champion(tmp_path):
    assert ModelStore(tmp_path).champion("return") is None
    assert ModelStore(tmp_path).cards("return") == []


def test_a_decision_taken_twice_is_written_once(tmp_path):
    model_store = ModelStore(tmp_path)
    card, files = model(b"1")
    model_store.save(card, files)
    model_store.decide("return", decision(card, is_promoted=True))
    before = (tmp_path / "return" / "champion.json").read_bytes()
    model_store.decide("return", decision(card, is_promoted=True))
    assert (tmp_path / "return" / "champion.json").read_bytes() == before


def test_a_model_appears_complete_or_not_at_all(tmp_path, monkeypatch):
    model_store = ModelStore(tmp_path)
    card, files = model(b"1")
    written = []

    def die_after_one(path, content):
        if written:
            raise KeyboardInterrupt
        written.append(path)
        replace_file(path, content)

    monkeypatch.setattr("orchestration.modelling.model_store.replace_file", die_after_one)
    with pytest.raises(KeyboardInterrupt):
        model_store.save(card, files)
    monkeypatch.undo()
    assert model_store.cards("return") == []
    model_store.save(card, files)
    assert model_store.load("return", card.model_id) == files


def test_a_model_whose_files_are_gone_is_reported_in_one_line(tmp_path):
    with pytest.raises(ComebackError, match="the return model 0123456789ab is gone"):
        ModelStore(tmp_path).load("return", "0123456789ab")
