"""What a page is made of.

Belongs here: the parts that the template knows how to show. Not here: what is in them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

Mood = Literal["good", "warn", "plain"]


@dataclass(frozen=True)
class Cell:
    """A cell of a table with more than its text.

    Attributes:
        text: what stands in it.
        share: length of the bar behind it, 0 to 1; None without.
        note: smaller, below the text.
    """

    text: str
    share: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Table:
    """A table; `columns` that end in `#` hold numbers.

    Attributes:
        caption: what it shows.
        columns: titles.
        rows: as many cells each as there are columns; the first names the row.
        is_wide: on a phone each of its rows stands as a block of its own.
        note: a sentence below it.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str | Cell]]
    is_wide: bool = False
    note: str = ""


@dataclass(frozen=True)
class Picture:
    """A picture with its text alternative.

    Attributes:
        key: its id on the page.
        title: what it shows.
        svg: the drawing.
        text: what is to be seen in it, in a sentence or two.
        legend: mark (a class of the style sheet) and meaning.
        figures: the numbers drawn.
        headline: the number to remember, in print above the picture.
    """

    key: str
    title: str
    svg: Markup
    text: str
    legend: Sequence[tuple[str, str]]
    figures: Table
    headline: str = ""


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Attributes:
        key: its anchor.
        title: its heading.
        lead: what it is about, in a sentence or two.
        pictures: shown first.
        tables: shown below them.
        is_side_by_side: whether there is room for two tables beside one another.
    """

    key: str
    title: str
    lead: str
    pictures: Sequence[Picture] = ()
    tables: Sequence[Table] = ()
    is_side_by_side: bool = False


@dataclass(frozen=True)
class Tile:
    """A number at the head of the page.

    Attributes:
        title: what it is.
        value: the number, short.
        note: what it means.
        mood: whether somebody should look.
        anchor: the section that says more.
    """

    title: str
    value: str
    note: str
    mood: Mood = "plain"
    anchor: str = ""
