"""The page put together: head, sections, glossary.

Belongs here: which sections there are and in which order, and rendering them. Not here: what they
say.
"""

from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.ground.hours import END_OF_TIME
from orchestration.outputs.report import (
    carts,
    contacts,
    dumps,
    formats,
    glance,
    left_behind,
    models,
    outcomes,
    people,
    shop,
)
from orchestration.outputs.report.glossary import GLOSSARY
from orchestration.outputs.report.kept_pictures import taken_from
from orchestration.outputs.report.published import Published

SECTIONS = (
    carts.due,
    shop.funnel,
    left_behind.money,
    carts.segments,
    people.people,
    left_behind.items,
    outcomes.outcomes,
    models.models,
    contacts.exports,
    contacts.effects,
    dumps.dumps,
)
_TEMPLATE, _STYLE = "report.html.jinja", "report.css"
_FOLDER = Path(__file__).parent


def page(
    published: Path,
    *,
    not_after: datetime = END_OF_TIME,
    exports: Path | None = None,
    last: Path | None = None,
) -> bytes:
    """The report of a published file and its exports; the same ones give the same bytes.

    Args:
        published: the file; it is opened to read.
        not_after: a later hour was scored while the clock was ahead, and is not the newest.
        exports: folder of the exported hours.
        last: the page before this one, for its pictures.

    Returns:
        A page of HTML, UTF-8, that needs no other file.
    """
    # Slow to import, and needed at the end of an hour only.
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # a sum of fractions depends on the order in which several threads bring them
    one_thread = {"threads": 1}
    with (
        duckdb.connect(str(published), read_only=True, config=one_thread) as connection,
        taken_from(last),
    ):
        source = Published.at_newest_hour(connection, not_after=not_after, exports=exports)
        sections = [section for make in SECTIONS if (section := make(source)) is not None]
        text = environment.get_template(_TEMPLATE).render(
            hour=source.hour,
            tiles=glance.tiles(source),
            wrong=glance.wrong(source),
            sections=sections,
            glossary=GLOSSARY,
            style=(_FOLDER / _STYLE).read_text(encoding="utf-8"),
            formats=formats,
        )
    return text.encode()
