"""Pictures of the last page are taken over where they would be drawn the same, and only there."""

import duckdb
import pytest

from orchestration.outputs.report import kept_pictures, plots
from orchestration.outputs.report.page import page


@pytest.fixture
def last(content, tmp_path):
    path = tmp_path / "report.html"
    path.write_bytes(content)
    return path


@pytest.fixture
def drawn(monkeypatch) -> list[str]:
    """The keys of the pictures that are drawn."""
    keys: list[str] = []
    draw = plots.drawn

    def noted(key: str, *sizes: int, **more: int):
        keys.append(key)
        return draw(key, *sizes, **more)

    monkeypatch.setattr(plots, "drawn", noted)
    return keys


def test_nothing_is_drawn_for_a_page_of_the_same_numbers(file, content, last, drawn):
    assert page(file, last=last) == content
    assert drawn == []
    assert page(file) == content
    assert len(drawn) == content.count(b"<svg ") > 5


def test_other_numbers_are_drawn_and_the_rest_is_taken_over(file, last, drawn, tmp_path):
    other = tmp_path / "analytics.duckdb"
    other.write_bytes(file.read_bytes())
    with duckdb.connect(str(other)) as connection:
        connection.execute("update daily_funnel set order_count = order_count + 1")
    found = page(other, last=last)
    assert drawn == ["funnel-orders"]
    assert found == page(other)


def test_a_picture_that_was_changed_in_the_page_is_drawn_again(file, content, last, drawn):
    at = content.index(b"</svg>")
    last.write_bytes(content[:at] + b"<text>1</text>" + content[at:])
    assert page(file, last=last) == content
    assert len(drawn) == 1


def test_what_is_no_page_gives_no_picture(file, content, last, drawn):
    for text in (b"", content[: len(content) // 2], b"\xff\xfe" * 99):
        last.write_bytes(text)
        assert page(file, last=last) == content
    last.unlink()
    assert page(file, last=last) == content
    assert len(drawn) > 3 * (content.count(b"<svg ") // 2)


def test_all_are_drawn_after_a_change_of_what_draws_them(file, content, last, drawn, monkeypatch):
    monkeypatch.setattr(kept_pictures, "_drawn_by", lambda: "another version")
    assert page(file, last=last) != content
    assert len(drawn) == content.count(b"<svg ")
