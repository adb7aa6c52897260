"""Segments of the shop's own that the database cannot ask of the shop's data.

Belongs here: a build that such a segment does not stop, and finding out which it is. Not here: what
is wrong with its files (`ground.own_files`), or running dbt (`dbt_build`).
"""

import logging
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from orchestration.ground.home import Home
from orchestration.ground.own_files import own_files, say_faults
from orchestration.ground.refused_segments import Refusal, copy_of_project, pardon_older, refuse
from orchestration.ground.segment_sql import tables_in, unknown_in
from orchestration.ground.segments import FOLDER, segments_in
from orchestration.ground.settings import Settings
from orchestration.warehouse import dbt_build
from orchestration.warehouse.build_result import BuildResult, NodeResult, without_values
from orchestration.warehouse.dbt_manifest import PACKAGE

logger = logging.getLogger(__name__)


def build(home: Home, settings: Settings, *, as_of: datetime | None, **options: Any) -> BuildResult:
    """Build as `dbt_build.build` does; if a segment of the shop's own fails, refuse it and build
    once more, with the segment as it was before. One that failed on the hour's data is asked again
    on the next day.

    Raises:
        ComebackError: as `dbt_build.build`.
    """
    if as_of:
        pardon_older(home, as_of.date())
    options["as_of"] = as_of
    built = dbt_build.build(home, settings, **options)
    own = sorted(own_files(home).segments)
    faulty = [
        (name, node)
        for name in own
        for node in built.bad
        if _id(name) in (node.unique_id, node.tested)
    ]
    if own and any(node.unique_id == _id("segment_members") for node in built.bad):
        logger.info("Looking for the segment that failed.")
        # where the shipped ones fail alone, as for want of memory, none of the shop's is to blame
        if not _bad(home, settings, list(segments_in()), options):
            faulty += _faulty(home, settings, own, options)
    if not faulty:
        return built
    failed = dict(faulty)
    for name, node in failed.items():
        # who reads one that failed is right again with it
        if not tables_in(_sql_of(home, name)).intersection(failed):
            day = as_of.date() if as_of and _is_of_data(node) else None
            refuse(home, name, Refusal(_what_failed(home, name, node), day))
    say_faults(home)
    return build(home, settings, **options)


def _id(model: str) -> str:
    return f"model.{PACKAGE}.{model}"


def _bad(
    home: Home, settings: Settings, names: Sequence[str], options: dict[str, Any]
) -> list[NodeResult]:
    """What fails where only these segments are asked who is in them."""
    options = options | {"command": "run", "exclude": (), "full_refresh": False}
    options["select"] = ["segment_members"]
    return dbt_build.build(home, settings, **options, segments=names).bad


def _faulty(
    home: Home, settings: Settings, names: Sequence[str], options: dict[str, Any]
) -> list[tuple[str, NodeResult]]:
    """Those of the segments that fail, each with what dbt says of it; all halves of many."""
    bad = _bad(home, settings, names, options)
    if not bad:
        return []
    if len(names) == 1:
        return [(names[0], bad[0])]
    middle = len(names) // 2
    return [
        each
        for half in (names[:middle], names[middle:])
        for each in _faulty(home, settings, half, options)
    ]


def _is_of_data(node: NodeResult) -> bool:
    """Whether other data may have it right: the files are right by themselves."""
    return re.search(r"\b(?:Binder|Catalog|Compilation|Parser) Error", node.message) is None


def _what_failed(home: Home, name: str, node: NodeResult) -> str:
    """What is wrong with a segment: of its template, where there was no SQL to ask."""
    if node.tested:
        found = f"{node.failures:,} rows" if node.failures else _in_short(node.message)
        return f"its test {node.name} failed ({found})"
    if not node.message.startswith("Compilation Error"):
        return f"its SQL failed ({_in_short(node.message)})"
    unknown = unknown_in(_sql_of(home, name))
    said = f"nothing is called {', '.join(unknown)}" if unknown else "it cannot be made into SQL"
    return f"its template is wrong ({said})"


def _sql_of(home: Home, name: str) -> str:
    return (copy_of_project(home) / FOLDER / f"{name}.sql").read_text(encoding="utf-8")


def _in_short(message: str) -> str:
    """What the database said, up to the first value."""
    found = re.search(r"[A-Z]\w*(?: \w+){0,2} Error: .*", message)
    text = found[0] if found else "it cannot be asked"
    return re.split(r"['\"]|LINE \d|\(?\.\.\.", without_values(text))[0].strip()[:200]
