"""An hour's files at one address: the order in which they appear there.

Belongs here: what is written and removed first and last, and whether the pointer moves. Not here:
bytes (`contents`), one file (`targets`), which hours go there (`hourly`).
"""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from time import monotonic

from orchestration.ground.hours import iso
from orchestration.outputs.delivery.attempts import attempt
from orchestration.outputs.delivery.contents import Contents
from orchestration.outputs.delivery.targets import Target
from orchestration.outputs.export_files import POINTER


class Connected:
    """A target that is opened when it is needed, and again after a failure."""

    def __init__(
        self, opened: Callable[[], Target], pauses: Sequence[float], seconds: float
    ) -> None:
        """Open nothing yet.

        Args:
            opened: what opens it.
            pauses: seconds before each further try of an operation.
            seconds: how long all operations may take.
        """
        self._opened = opened
        self._pauses = pauses
        self._until = monotonic() + seconds
        self._target: Target | None = None

    def __call__(self, operation: Callable[[Target], object]) -> object:
        """What the operation gives, at last."""

        def once() -> object:
            target = self._target or self._opened()
            # a connection that failed is not used again
            self._target = None
            given = operation(target)
            self._target = target
            return given

        return attempt(once, pauses=self._pauses, until=self._until)


def place(
    at: Connected,
    contents: Contents,
    newest: str,
    not_after: datetime,
    placed: list[str],
) -> None:
    """Write the files, then the manifest, then the pointer; `placed` gets the paths of the files.

    A file is written again although its bytes may be there: that is the same bytes.
    """
    pointer = at(lambda target: target.read(POINTER))
    pointed = _pointed(pointer, not_after)
    manifest = at(lambda target: target.read(contents.manifest_path))
    if pointed == contents.hour and pointer != contents.pointer:
        at(lambda target: target.write(POINTER, contents.meanwhile))
    if manifest is not None and manifest != contents.manifest:
        at(lambda target: target.remove(contents.manifest_path))
    for path, content in contents.files.items():
        at(lambda target, path=path, content=content: target.write(path, content))
        placed.append(path)
    at(lambda target: target.write(contents.manifest_path, contents.manifest))
    # where the server shows nobody its pointer, by what arrived
    is_older = contents.hour < pointed if pointed else contents.hour_name < newest
    if not is_older:
        at(lambda target: target.write(POINTER, contents.pointer))


def _pointed(pointer: bytes | None, not_after: datetime) -> str:
    """The hour that a pointer names; nothing where it is none, or a clock was ahead then."""
    with suppress(ValueError, TypeError, KeyError):
        hour = json.loads(pointer or b"")["hour"]
        return hour if isinstance(hour, str) and hour <= iso(not_after) else ""
    return ""
