"""Small files that are encrypted with the key of the warehouse."""

import pytest

from orchestration.ground.encryption import DATABASE_KEY
from orchestration.ground.sealed_files import MARK, opened, sealed

CONTENT = '{"email": "zoë@shop.example"}\n'.encode()


def test_without_a_key_a_file_is_as_it_is(monkeypatch):
    monkeypatch.delenv(DATABASE_KEY, raising=False)
    assert sealed(CONTENT) == CONTENT
    assert opened(CONTENT) == CONTENT


def test_with_a_key_the_same_content_is_other_bytes_each_time_of_which_none_says_anything(
    monkeypatch,
):
    monkeypatch.setenv(DATABASE_KEY, "a word")
    kept = [sealed(CONTENT) for _ in range(3)]
    assert len(set(kept)) == 3
    assert {opened(each) for each in kept} == {CONTENT}
    assert not any(b"shop" in each or b"a word" in each for each in kept)
    assert opened(CONTENT) == CONTENT


@pytest.mark.parametrize("other", ["another word", ""])
def test_another_key_opens_nothing_neither_does_any_for_changed_bytes(monkeypatch, other):
    monkeypatch.setenv(DATABASE_KEY, "a word")
    kept = sealed(CONTENT)
    for at in (len(MARK), len(MARK) + 20, len(kept) - 1):
        changed = kept[:at] + bytes([kept[at] ^ 1]) + kept[at + 1 :]
        with pytest.raises(OSError, match="not with the key in COMEBACK_DATABASE_KEY"):
            opened(changed)
    monkeypatch.setenv(DATABASE_KEY, other)
    with pytest.raises(OSError, match="not with the key in COMEBACK_DATABASE_KEY"):
        opened(kept)
