"""Pictures that the last page has already, drawn of the same numbers.

Belongs here: knowing one again, and taking it over. Not here: how it is drawn (`plots`).

Most pictures are of days and weeks: in an hour with nothing new all are as they were, and
matplotlib need not even be imported: a thirteenth of the CPU time of such an hour, measured
2026-11-30.

A picture says of what it was drawn by a hash over the numbers, over what draws it, and over itself:
one that was changed in the page is drawn again. The page is the same, whether drawn or taken over.
"""

import functools
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from markupsafe import Markup

_DRAWN_BY = ("drawing.py", "plots.py")
_SEALED = re.compile(r'<svg data-drawn="([0-9a-f]{64})" (.*?</svg>)', re.DOTALL)
_KEY = re.compile(r' aria-labelledby="([^"]*)-text"')

# of each key its seal and the picture
_last: ContextVar[Mapping[str, tuple[str, str]]] = ContextVar("last")


@contextmanager
def taken_from(page: Path | None) -> Iterator[None]:
    """Pictures drawn within are taken over from a page where they are the same."""
    found = {}
    text = page.read_text("utf-8", "replace") if page and page.exists() else ""
    for seal, rest in _SEALED.findall(text):
        if key := _KEY.search(rest):
            found[key[1]] = seal, f"<svg {rest}"
    before = _last.set(found)
    try:
        yield
    finally:
        _last.reset(before)


def kept(draw: Callable[..., Markup]) -> Callable[..., Markup]:
    """A picture that is drawn unless the last page has it; its first argument is its key."""

    @functools.wraps(draw)
    def picture(key: str, *numbers: Any, **options: Any) -> Markup:
        drawn_of = _digest(draw.__name__, key, numbers, options)
        seal, svg = _last.get({}).get(key, ("", ""))
        if not svg or seal != _seal(drawn_of, svg):
            svg = str(draw(key, *numbers, **options))
            seal = _seal(drawn_of, svg)
        return Markup(svg.replace("<svg ", f'<svg data-drawn="{seal}" ', 1))

    return picture


def _seal(drawn_of: str, svg: str) -> str:
    return hashlib.sha256(f"{drawn_of}\n{svg}".encode()).hexdigest()


def _digest(*drawn_of: Any) -> str:
    text = json.dumps([_drawn_by(), *drawn_of], default=asdict)
    return hashlib.sha256(text.encode()).hexdigest()


@functools.cache
def _drawn_by() -> str:
    """A hash over what the look of a picture depends on, its numbers aside."""
    digest = hashlib.sha256(version("matplotlib").encode())
    for name in _DRAWN_BY:
        digest.update(Path(__file__).with_name(name).read_bytes())
    return digest.hexdigest()
