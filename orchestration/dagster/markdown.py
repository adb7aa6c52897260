"""Tables and pictures as Markdown, for the Dagster UI.

Belongs here: turning frames and PNG bytes into Markdown. Not here: computing any of it.
"""

import base64
import re
from collections.abc import Mapping

import polars as pl

# Letters, numbers, and marks that mean nothing within a line; a _ only within a word.
_PLAIN = re.compile(r"([^\W_]|(?<=[^\W_])_(?=[^\W_])|[ .,:;+%()'/-])*")
_LINK = re.compile(r"://|www\.", re.IGNORECASE)


def markdown_table(frame: pl.DataFrame) -> str:
    """The frame as a Markdown table, null as an empty cell."""
    lines = [frame.columns, ["---"] * frame.width, *frame.rows()]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def markdown_picture(name: str, png: bytes) -> str:
    """The picture itself within Markdown."""
    return f"![{name}]({_data('png', png)})"


def markdown_row_of_pictures(
    pictures: Mapping[str, bytes], width: int, height: int, room: int = 0
) -> str:
    """Pictures side by side as one, each so large: the UI shows a picture in its own size, and cuts
    what is high. The text says which they are.

    Args:
        pictures: PNG bytes by name.
        width, height: of each, in pixels.
        room: pixels left free below them.
    """
    parts = [
        f'<image x="{at * width}" width="{width}" height="{height}" href="{_data("png", png)}"/>'
        for at, png in enumerate(pictures.values())
    ]
    size = f'width="{width * len(parts)}" height="{height + room}"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(parts)}</svg>'
    return f"![{', '.join(pictures)}]({_data('svg+xml', svg.encode())})"


def _data(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _cell(value: object) -> str:
    """A value as it is, and inert: one with a character that Markdown or HTML may take for its own
    stands in a code span, where nothing counts but the fence, and the bar that ends a cell."""
    if value is None:
        return ""
    text = "".join(each if each.isprintable() else " " for each in str(value))
    if _PLAIN.fullmatch(text) and not _LINK.search(text):
        return text
    text = text.replace("|", "\N{BROKEN BAR}")
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence} {text} {fence}"
