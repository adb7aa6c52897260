"""Sealed texts: read with their key only, and never in plain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.ground.seal import sealed, unsealed


@given(st.text(max_size=100), st.binary(min_size=1, max_size=40))
def test_a_seal_is_read_with_its_key_and_is_the_same_each_time(text: str, key: bytes):
    assert unsealed(key, sealed(key, text)) == text
    assert sealed(key, text) == sealed(key, text)


@pytest.mark.parametrize("text", ["ann@example.com", "x" * 31, "x" * 33, "é" * 200])
def test_a_seal_does_not_hold_the_text_and_another_key_reads_nothing(text: str):
    seal = sealed(b"one", text)
    assert text.encode().hex() not in seal
    assert len(seal) == 2 * (16 + len(text.encode()))
    assert unsealed(b"two", seal) is None
    assert sealed(b"two", text) != seal
