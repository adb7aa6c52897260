"""Segments of the shop's own that dbt or the database found wrong, and what they were before.

Belongs here: which of a home's segments are refused, for how long, and the files that stand in
their place. Not here: what is wrong with a file as it is written (`own_files`), nor finding out
which segment failed (`warehouse.segment_faults`).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from orchestration.ground import segments
from orchestration.ground.files import replace_file
from orchestration.ground.home import Home

ENDINGS = (".yml", ".sql")
_BEFORE = "before"
_REFUSED = "refused_segments.json"


def copy_of_project(home: Home) -> Path:
    """The home's copy of the dbt project, if it has one."""
    return home.dbt / "project"


def keep_before(home: Home, files: Mapping[str, bytes]) -> None:
    """Keep segments of the copy as they are before these files are written into it, for they may
    turn out to be wrong only when dbt or the database is asked."""
    copy, before = copy_of_project(home), home.dbt / _BEFORE
    for name in sorted({Path(inside).stem for inside in files if _is_segment(inside)}):
        pair = [(segments.FOLDER / f"{name}{ending}").as_posix() for ending in ENDINGS]
        if all(content_of(copy / inside) == files.get(inside) for inside in pair):
            continue
        for inside in pair:
            content = content_of(copy / inside)
            (before / inside).unlink(missing_ok=True)
            if content is not None:
                (before / inside).parent.mkdir(parents=True, exist_ok=True)
                replace_file(before / inside, content)


@dataclass(frozen=True)
class Refusal:
    """Why a segment is not taken.

    Attributes:
        what: what is wrong, without a value of the shop's data.
        day: of the hour whose data it failed on; None where its files are wrong by themselves.
    """

    what: str
    day: date | None = None


def refused(home: Home) -> dict[str, Refusal]:
    """What was refused, by the content of a segment's two files."""
    found = noted(home.dbt / _REFUSED) or {}
    return {
        content: Refusal(each["what"], each["day"] and date.fromisoformat(each["day"]))
        for content, each in found.items()
        if isinstance(each, dict)
    }


def refuse(home: Home, name: str, refusal: Refusal) -> str:
    """Refuse a segment of the shop's own, as its files are now, and have it in the copy as it was
    before.

    Returns:
        What `pardon` takes that back by.
    """
    copy, before = copy_of_project(home), home.dbt / _BEFORE
    content = segments.load_segment(copy / segments.FOLDER, name).content
    _note(home, refused(home) | {content: refusal})
    for ending in ENDINGS:
        inside = segments.FOLDER / f"{name}{ending}"
        old = content_of(before / inside)
        if old is None:
            (copy / inside).unlink(missing_ok=True)
        else:
            replace_file(copy / inside, old)
    return content


def pardon(home: Home, content: str) -> None:
    """Have a segment that was refused asked again."""
    _note(home, {each: why for each, why in refused(home).items() if each != content})


def pardon_older(home: Home, day: date) -> None:
    """Have segments asked again that failed on the data of a day before this one: data heal."""
    before = refused(home)
    left = {each: why for each, why in before.items() if why.day is None or why.day >= day}
    if left != before:
        _note(home, left)


def content_of(path: Path) -> bytes | None:
    """What a file holds, None if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return None


def noted(path: Path) -> Any:
    """What a JSON file of ours holds, None if it is not there or damaged."""
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def _note(home: Home, refusals: Mapping[str, Refusal]) -> None:
    text = json.dumps({each: asdict(why) for each, why in refusals.items()}, indent=1, default=str)
    replace_file(home.dbt / _REFUSED, text.encode())


def _is_segment(inside: str) -> bool:
    return Path(inside).parent == segments.FOLDER
