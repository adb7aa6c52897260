"""Tables and pictures as Markdown, for the Dagster UI and the command line.

Belongs here: turning frames, cards and PNG bytes into Markdown. Not here: computing any of it.
"""

import base64

import polars as pl

from ml.card import ModelCard


def markdown_table(frame: pl.DataFrame) -> str:
    """The frame as a Markdown table, null as an empty cell."""
    lines = [frame.columns, ["---"] * frame.width, *frame.rows()]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def card_plots(card: ModelCard) -> dict[str, bytes]:
    """The plots of a card's tables, as PNG files by name."""
    from ml import plots  # matplotlib is slow to import, and most hours learn nothing

    drawn = {
        "calibration": plots.calibration,
        "lift": plots.lift,
        "return_curve": plots.return_curve,
    }
    return {
        f"{name}.png": plot(card.tables[name])
        for name, plot in drawn.items()
        if card.tables.get(name)
    }


def markdown_picture(name: str, png: bytes) -> str:
    """The picture itself within Markdown."""
    return f"![{name}](data:image/png;base64,{base64.b64encode(png).decode()})"


def _cell(value: object) -> str:
    return "" if value is None else str(value).replace("|", "\\|").replace("\n", " ")
