"""What the settings name in exports and experiments, and whether it is there.

Belongs here: the segments and triggers that each export takes, and that there is its preset, asked
before an hour begins and when its files are written. Not here: their members (`segments`, `fired`,
`variants`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestration.ground.checkout import DBT_PROJECT
from orchestration.ground.errors import ComebackError
from orchestration.ground.home import Home
from orchestration.ground.own_files import own_files
from orchestration.ground.segments import segments_in
from orchestration.ground.settings import Settings
from orchestration.ground.triggers import FOLDER, triggers_in
from orchestration.outputs.exports import fired, segments, variants
from orchestration.outputs.exports.presets import find_preset


@dataclass(frozen=True)
class Taken:
    """What exports take.

    Attributes:
        segments: names of the segments that each export takes.
        triggers: names of the triggers that each export takes.
    """

    segments: dict[str, list[str]]
    triggers: dict[str, list[str]]


def taken_by(home: Home, settings: Settings) -> Taken:
    """What the exports of the settings take, of what is shipped and what lies in a home.

    Raises:
        ComebackError: an export or an experiment names a segment, a trigger or a preset that there
            is not.
    """
    own = own_files(home)
    known = segments_in(DBT_PROJECT) | own.segments
    wrong = sorted(each.name for each in own.faults if each.kind == "segment")
    fired_by = {trigger.name for trigger in triggers_in(DBT_PROJECT)}
    fired_by |= {Path(inside).stem for inside in own.files if inside.startswith(f"{FOLDER}/")}
    without = {each.name for each in own.faults if each.kind == "trigger"}
    for name, each in settings.exports.items():
        find_preset(each.profile, each.preset, name)
    variants.require_segments(settings.experiments, known, wrong)
    exports = settings.exports.items()
    return Taken(
        {name: segments.taken(name, each, known, wrong) for name, each in exports},
        {name: fired.taken(name, each, fired_by, without) for name, each in exports},
    )


def fault_in(home: Home, settings: Settings) -> Iterator[str]:
    """The line about a name that nothing has, if there is one."""
    try:
        taken_by(home, settings)
    except ComebackError as error:
        yield str(error)
