"""Models on disk."""

import json
import subprocess
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from ml.card import CARD_FILE, ModelCard, with_model_id
from orchestration.ground.errors import ComebackError
from orchestration.ground.files import replace_file
from orchestration.ground.hours import iso
from orchestration.modelling.model_store import POINTER, POINTER_COPY, SUMS, Decision, ModelStore

TEN = datetime(2026, 10, 31, 10)
LATER = TEN + timedelta(days=1)
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


@pytest.fixture
def two(tmp_path) -> tuple[ModelStore, str, str]:
    """A store whose second model serves, promoted a day after the first; and both ids."""
    model_store = ModelStore(tmp_path)
    for curve, as_of in ((b'{"hours": [1.5]}', TEN), (b'{"hours": [2.5]}', LATER)):
        card, files = model(curve, as_of)
        model_store.save(card, {**files, "curve.png": b"picture"})
        model_store.decide("return", decision(card, is_promoted=True))
    first, second = (model_store.champion("return", each) for each in (TEN, LATER))
    return model_store, first, second


def test_the_checksums_of_a_folder_are_those_that_sha256sum_prints(two):
    model_store, first, _ = two
    folder = model_store.root / "return" / first
    expected = subprocess.check_output(
        ["sha256sum", "card.json", "curve.json", "curve.png"], cwd=folder, text=True
    )
    assert (folder / SUMS).read_text() == expected


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def change_a_number(path: Path) -> None:
    path.write_text(path.read_text().replace("2", "3"))


@pytest.mark.parametrize("damage", [cut, flip, change_a_number, Path.unlink])
@pytest.mark.parametrize("file", ["curve.json", "card.json", SUMS])
def test_of_a_damaged_model_nothing_is_read_and_the_last_whole_one_serves(two, file, damage):
    model_store, first, second = two
    path = model_store.root / "return" / second / file
    damage(path)
    if (file, damage) == (SUMS, Path.unlink):  # its id says that what scores come from is whole
        assert model_store.champion("return") == second
        return
    assert model_store.champion("return") == first
    assert model_store.intended("return") == second
    (line,) = model_store.faults("return")
    assert line.startswith(f"the return model {second} is damaged (")
    assert f"), {first} serves in its place, {path.parent}, mend it: comeback train" in line
    assert file in line or file == SUMS
    with pytest.raises(ComebackError, match=f"the return model {second} is damaged"):
        model_store.load("return", second)
    # an hour before it was promoted does not mind
    assert model_store.faults("return", TEN) == []


def test_a_number_changed_with_its_checksum_does_not_fit_the_id(two):
    model_store, first, second = two
    folder = model_store.root / "return" / second
    change_a_number(folder / "curve.json")
    files = {each: (folder / each).read_bytes() for each in ("card.json", "curve.json")}
    (folder / SUMS).write_text(
        "".join(f"{sha256(content).hexdigest()}  {name}\n" for name, content in files.items())
    )
    assert model_store.damage("return", second) == (
        "its files are not those that its id is the hash of"
    )
    assert model_store.champion("return") == first


def test_a_model_of_an_older_version_without_checksums_is_known_by_its_id(two):
    model_store, first, second = two
    folder = model_store.root / "return" / second
    (folder / SUMS).unlink()
    assert model_store.champion("return") == second
    change_a_number(folder / "curve.json")
    assert model_store.champion("return") == first


def test_saving_a_damaged_model_again_mends_it(two):
    model_store, _, second = two
    flip(model_store.root / "return" / second / "curve.json")
    card, files = model(b'{"hours": [2.5]}', LATER)
    model_store.save(card, files)
    assert card.model_id == second
    assert model_store.champion("return") == second
    assert model_store.load("return", second) == files
    assert list((model_store.root / "return").glob(".*")) == []


@pytest.mark.parametrize("damage", [cut, flip, change_a_number, Path.unlink])
@pytest.mark.parametrize("file", [POINTER, POINTER_COPY])
def test_a_damaged_pointer_is_read_from_its_copy_until_it_is_mended(two, file, damage):
    model_store, _, second = two
    path = model_store.root / "return" / file
    before = path.read_bytes()
    damage(path)
    assert model_store.champion("return") == second
    (line,) = model_store.faults("return")
    assert line.startswith("which return model is in use cannot be read from one of two files, ")
    assert str(path) in line
    model_store.mend_pointer("return")
    assert model_store.faults("return") == []
    assert path.read_bytes() == before


@pytest.mark.parametrize("damage", [flip, Path.unlink])
def test_without_pointer_and_copy_nothing_serves_and_that_is_said(two, damage):
    model_store, _, _ = two
    for file in (POINTER, POINTER_COPY):
        damage(model_store.root / "return" / file)
    assert model_store.champion("return") is None
    assert len(model_store.faults("return")) == 2


def test_a_pointer_of_an_older_version_has_neither_copy_nor_checksum(two):
    model_store, _, second = two
    folder = model_store.root / "return"
    fields = json.loads((folder / POINTER).read_bytes())
    decisions = [
        {name: each[name] for name in ("model_id", "as_of", "is_promoted", "reason")}
        for each in fields["decisions"]
    ]
    (folder / POINTER).write_text(json.dumps({"champion": second, "decisions": decisions}))
    (folder / POINTER_COPY).unlink()
    assert model_store.champion("return") == second
    assert model_store.faults("return") == []


def test_of_two_promoted_at_one_hour_the_one_decided_on_last_serves(two):
    model_store, first, second = two
    by_hand = Decision(first, iso(LATER), True, "chosen", is_by_hand=True)
    model_store.decide("return", by_hand)
    assert model_store.champion("return") == first
    assert model_store.is_rolled_back("return", second)
    assert not model_store.is_rolled_back("return", first)
    # learned at that hour over again, it does not come back by itself
    card, _ = model(b'{"hours": [2.5]}', LATER)
    model_store.decide("return", decision(card, is_promoted=True))
    assert model_store.champion("return") == first
    model_store.decide("return", replace(by_hand, model_id=second))
    model_store.decide("return", by_hand)
    assert model_store.champion("return") == first
