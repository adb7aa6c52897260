"""Whether a file is encrypted, and what is said where key and file do not fit each other."""

import sys
from pathlib import Path

import duckdb
import pytest

from orchestration.ground import encryption
from orchestration.ground.errors import ComebackError
from orchestration.ground.home import Home

SECRET = "word of the shop"


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    path = tmp_path / "plain.duckdb"
    duckdb.connect(str(path)).close()
    return path


@pytest.fixture
def encrypted(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    request.getfixturevalue("key")
    path = tmp_path / "encrypted.duckdb"
    encryption.connect(path, {}).close()
    return path


def test_a_file_says_itself_whether_it_is_encrypted(plain, encrypted, tmp_path):
    assert encryption.is_encrypted(plain) is False
    assert encryption.is_encrypted(encrypted) is True
    for name, content in (("empty", b""), ("noise", b"noise" * 100), ("short", b"x" * 8 + b"DUCK")):
        (tmp_path / name).write_bytes(content)
        assert encryption.is_encrypted(tmp_path / name) is None
    assert encryption.is_encrypted(tmp_path / "none") is None


def test_an_encrypted_file_needs_a_key_and_one_that_is_not_needs_none(
    plain, encrypted, monkeypatch
):
    encryption.require_fit(encrypted)
    with pytest.raises(ComebackError) as failure:
        encryption.require_fit(plain)
    assert str(failure.value) == (
        "a key is given (COMEBACK_DATABASE_KEY), and the warehouse is not encrypted,"
        f" {plain}, encrypt it, once: comeback encrypt"
    )
    monkeypatch.delenv(encryption.DATABASE_KEY)
    encryption.require_fit(plain)
    with pytest.raises(ComebackError) as failure:
        encryption.require_fit(encrypted)
    assert str(failure.value) == (
        f"the warehouse is encrypted, and no key is given, {encrypted},"
        " set COMEBACK_DATABASE_KEY to the key that it was encrypted with"
    )


@pytest.mark.parametrize("wrong", ["line\nbreak", "\udcff\udcfe"])
def test_a_key_that_is_no_text_is_refused_without_being_shown(wrong, monkeypatch):
    monkeypatch.setenv(encryption.DATABASE_KEY, wrong)
    with pytest.raises(ComebackError) as failure:
        encryption.database_key()
    assert str(failure.value) == (
        "the key of the warehouse has characters that are none of a text,"
        " the variable COMEBACK_DATABASE_KEY, give it without line breaks, as UTF-8"
    )


def test_an_empty_key_is_none(monkeypatch):
    monkeypatch.setenv(encryption.DATABASE_KEY, "")
    assert encryption.database_key() is None


def test_without_the_extension_nothing_is_written_and_one_line_says_how_to_install_it(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("HOME", str(tmp_path / "user"))  # where DuckDB looks for extensions
    monkeypatch.setenv(encryption.DATABASE_KEY, SECRET)
    home = Home(tmp_path / "home")
    with pytest.raises(ComebackError) as failure:
        home.prepare()
    line = str(failure.value)
    assert line.startswith("DuckDB cannot encrypt the warehouse without its extension httpfs, ")
    assert f'"{tmp_path}/user/.duckdb/extensions/' in line
    assert line.endswith(
        "install it, once and with network, as the user of these runs: "
        f"{sys.executable} -c \"import duckdb; duckdb.connect().install_extension('httpfs')\""
    )
    assert SECRET not in line
    with pytest.raises(ComebackError, match="without its extension httpfs"):
        encryption.connect(tmp_path / "warehouse.duckdb", {})
    assert not home.root.exists()
    assert not (tmp_path / "warehouse.duckdb").exists()


def test_what_duckdb_brings_along_is_never_enough_to_write(tmp_path, monkeypatch):
    """An extension that could be loaded, and does not encrypt: DuckDB refuses by itself."""
    monkeypatch.setenv(encryption.DATABASE_KEY, SECRET)
    monkeypatch.setattr(encryption, "_load_cryptography", lambda _: None)
    with pytest.raises(duckdb.Error, match="read-only crypto module") as failure:
        encryption.connect(tmp_path / "warehouse.duckdb", {})
    assert SECRET not in str(failure.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("address", "file"),
    [
        (":memory:", None),
        ("/home/warehouse.duckdb", None),
        (":memory:/home/warehouse.duckdb", "/home/warehouse.duckdb"),
    ],
)
def test_an_address_stands_for_a_file_where_that_is_to_be_attached(address, file):
    assert encryption.file_at(address) == file
