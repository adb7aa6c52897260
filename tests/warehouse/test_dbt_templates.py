"""What Jinja makes of a text is made once, and again only where it has to be."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jinja2
import pytest
from dbt_common.clients import jinja

from orchestration.ground import kept_code
from orchestration.warehouse.dbt_templates import kept_templates

GREETING = "{% set name = 'you' %}Hello {{ name }}"
SUM = "{{ (1 + 2) | as_native }}"


@contextmanager
def _counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The texts that Jinja makes code of."""
    made: list[str] = []
    as_jinja = jinja2.Environment.compile

    def noting(self: jinja2.Environment, source: str, *args: object, **how: object) -> object:
        made.append(source)
        return as_jinja(self, source, *args, **how)

    with monkeypatch.context() as patched:
        patched.setattr(jinja2.Environment, "compile", noting)
        yield made


def _rendered(text: str, is_native: bool = False) -> object:
    return jinja.get_template(text, {}, native=is_native).render({})


def test_a_text_is_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with _counted(monkeypatch) as made:
        for _ in range(2):
            with kept_templates(tmp_path):
                assert _rendered(GREETING) == "Hello you"
                assert _rendered(GREETING) == "Hello you"
                assert _rendered(SUM) == "3"
    assert made == [GREETING, SUM]


def test_what_gives_values_and_not_texts_is_left_to_dbt(tmp_path: Path):
    with kept_templates(tmp_path):
        assert _rendered(SUM) == "3"
        assert _rendered(SUM, is_native=True) == 3


def test_a_parse_leaves_out_what_it_does_not_ask_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with kept_templates(tmp_path):
        _rendered(GREETING)
        _rendered(SUM)
    with kept_templates(tmp_path, only_used=True):
        _rendered(SUM)
    with _counted(monkeypatch) as made, kept_templates(tmp_path):
        _rendered(GREETING)
        _rendered(SUM)
    assert made == [GREETING]


@pytest.mark.parametrize(
    "damage", ["cut", "other bytes", "others may write", "other versions", "nothing"]
)
def test_what_cannot_be_run_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
):
    with kept_templates(tmp_path):
        _rendered(GREETING)
    (path,) = tmp_path.iterdir()
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-40])
    elif damage == "other bytes":
        content = path.read_bytes()
        path.write_bytes(content[:-10] + bytes([content[-10] ^ 1]) + content[-9:])
    elif damage == "others may write":
        path.chmod(0o666)
    elif damage == "nothing":
        path.write_bytes(b"")
    else:
        monkeypatch.setattr(kept_code, "version", lambda _: "0")
    with _counted(monkeypatch) as made, kept_templates(tmp_path):
        assert _rendered(GREETING) == "Hello you"
    assert made == [GREETING]


def test_afterwards_dbt_compiles_by_itself(tmp_path: Path):
    with kept_templates(tmp_path):
        _rendered(SUM)
    assert "compile" not in vars(jinja.MacroFuzzEnvironment)
