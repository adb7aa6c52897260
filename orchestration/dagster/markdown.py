"""Tables and pictures as Markdown, for the Dagster UI.

Belongs here: turning frames and PNG bytes into Markdown. Not here: computing any of it.
"""

import base64

import polars as pl


def markdown_table(frame: pl.DataFrame) -> str:
    """The frame as a Markdown table, null as an empty cell."""
    lines = [frame.columns, ["---"] * frame.width, *frame.rows()]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def markdown_picture(name: str, png: bytes) -> str:
    """The picture itself within Markdown."""
    return f"![{name}](data:image/png;base64,{base64.b64encode(png).decode()})"


def _cell(value: object) -> str:
    return "" if value is None else str(value).replace("|", "\\|").replace("\n", " ")
