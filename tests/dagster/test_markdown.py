"""Markdown tables: whatever a file is named, it is shown and does nothing."""

import base64
from xml.etree import ElementTree

import polars as pl
import pytest

from orchestration.dagster.markdown import markdown_row_of_pictures, markdown_table


@pytest.mark.parametrize(
    "text", ["a.csv", "day 1/events_2026.csv.gz", "2026-11-20 10:00:00", "12.50", ""]
)
def test_plain_texts_stand_as_they_are(text):
    assert markdown_table(pl.DataFrame({"file": [text]})).splitlines()[2] == f"| {text} |"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<img src=x onerror=alert(1)>.csv", "` <img src=x onerror=alert(1)>.csv `"),
        ("[x](javascript:alert(1))", "` [x](javascript:alert(1)) `"),
        ("![x](http://e.example/p.png)", "` ![x](http://e.example/p.png) `"),
        ("a ` b `` c", "``` a ` b `` c ```"),
        ("a|b", "` a\N{BROKEN BAR}b `"),
        ("a\\|b", "` a\\\N{BROKEN BAR}b `"),
        ("*a* _b_ ~c~", "` *a* _b_ ~c~ `"),
        ("&lt;script&gt;", "` &lt;script&gt; `"),
        ("http://e.example", "` http://e.example `"),
        ("www.e.example", "` www.e.example `"),
        ("a\n\n# b\r\x1b[31m\u202ec", "` a  # b  [31m c `"),
    ],
)
def test_what_markdown_or_html_may_take_for_its_own_stands_in_a_code_span(text, shown):
    table = markdown_table(pl.DataFrame({text: [text]}))
    assert table.splitlines() == [f"| {shown} |", "| --- |", f"| {shown} |"]


def test_pictures_stand_side_by_side_in_one_that_is_whole_in_itself():
    text = markdown_row_of_pictures({"a": b"1", "b": b"2"}, 300, 200, room=30)
    head, data = text.removesuffix(")").split("(")
    assert head == "![a, b]"
    root = ElementTree.fromstring(base64.b64decode(data.removeprefix("data:image/svg+xml;base64,")))
    assert (root.get("width"), root.get("height")) == ("600", "230")
    assert [(each.get("x"), each.get("height"), each.get("href")) for each in root] == [
        ("0", "200", "data:image/png;base64,MQ=="),
        ("300", "200", "data:image/png;base64,Mg=="),
    ]
