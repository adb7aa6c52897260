"""Drawings by matplotlib as SVG that belongs to the page around it.

Belongs here: axes without clutter, and the SVG's way into a page: no id that another drawing has,
text in the page's font, colours that follow the page from light to dark. Not here: what is drawn
(`plots`).

A colour here is a name: the style sheet has a variable for each, and the hex value that matplotlib
writes is replaced by it. The same drawing gives the same bytes.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import StringIO
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, MUTED, GRID, SURFACE = "#010101", "#020202", "#030303", "#040404"
BLUE, ORANGE, GREEN, GREY, BAND = "#050505", "#060606", "#070707", "#080808", "#090909"
_VARIABLES = {
    INK: "ink",
    MUTED: "muted",
    GRID: "line",
    SURFACE: "surface",
    BLUE: "blue",
    ORANGE: "orange",
    GREEN: "green",
    GREY: "grey",
    BAND: "band",
}

# Units of the drawing: a unit is .8 of a pixel on a phone and where three pictures stand beside one
# another, a little more than one where two do.
WIDTH = 440
FONT_UNITS = 13
_UNITS_PER_INCH = 72
_LEAST_PLACES = 4

_RC = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": FONT_UNITS,
    "hatch.linewidth": 1.4,
    "axes.unicode_minus": True,
    "path.simplify": False,
}
_ID = re.compile(r' id="([^"]*)"')
_REFERENCE = re.compile(r'(?:url\(#|href="#)([^")]*)')
_HEX = re.compile("|".join(_VARIABLES))


@contextmanager
def drawn(key: str, height: int, *, left: int = 48, bottom: int = 26) -> Iterator["Drawing"]:
    """A drawing to fill; what it was filled with is in its `svg` afterwards.

    Args:
        key: its id on the page.
        height: in units.
        left: units left of the axes, for their labels.
        bottom: units below them.
    """
    # Slow to import, and not needed while the pictures are those of the last page.
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context({**_RC, "svg.hashsalt": key}):
        figure = Figure(figsize=(WIDTH / _UNITS_PER_INCH, height / _UNITS_PER_INCH))
        FigureCanvasSVG(figure)
        figure.patch.set_visible(False)
        axes = figure.add_axes(
            (left / WIDTH, bottom / height, 1 - (left + 8) / WIDTH, 1 - (bottom + 12) / height)
        )
        _plain(axes)
        drawing = Drawing(axes)
        yield drawing
        text = StringIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(text, format="svg", metadata=nothing)
    drawing.svg = _for_the_page(text.getvalue(), key, height)


@dataclass
class Drawing:
    """A drawing.

    Attributes:
        axes: where it is drawn.
        svg: the drawing for the page; empty until it is done.
    """

    axes: "Axes"
    svg: Markup = field(default_factory=Markup)

    def label_places(self, labels: Sequence[str]) -> None:
        """Name the places 0, 1, ... of the horizontal axis; an empty name shows none."""
        shown = [(place, label) for place, label in enumerate(labels) if label]
        self.axes.set_xticks([place for place, _ in shown], [label for _, label in shown])
        # a first hour, or day, is no picture filled with one bar
        self.axes.set_xlim(-0.6, max(len(labels), _LEAST_PLACES) - 0.4)

    def explain_places(self, text: str) -> None:
        """What the horizontal axis is, in words below it."""
        self.axes.set_xlabel(text, color=MUTED, labelpad=4)


def _plain(axes: "Axes") -> None:
    """Grid lines across, a base line, and labels that do not compete with the data."""
    axes.patch.set_visible(False)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(MUTED)
    axes.grid(axis="y", color=GRID, linewidth=1)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, colors=MUTED, pad=5)
    axes.locator_params(axis="y", nbins=4)


def _for_the_page(svg: str, key: str, height: int) -> Markup:
    body = svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]
    body = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r"'DejaVu Sans'(?:, '[^']*'|, [a-z-]+)*", "var(--font)", body)
    body = body.replace("xlink:href", "href")
    needed = {*_REFERENCE.findall(body)}
    body = _ID.sub(lambda each: each[0] if each[1] in needed else "", body)
    body = re.sub(r'(url\(#|href="#| id=")', rf"\1{key}-", body)
    body = _HEX.sub(lambda each: f"var(--{_VARIABLES[each[0]]})", body)
    body = re.sub(r"\n\s*", "\n", body)
    head = f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="{key}-text">'
    return Markup(f"{head}{body.strip()}</svg>")
