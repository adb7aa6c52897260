"""What dbt parsed of the project that ships, kept beside it for every home of a user.

Belongs here: taking it, keeping it, and what it depends on. Not here: parsing (`dbt_build`), or
reading what was parsed (`dbt_manifest`).

To parse takes ten seconds, and what comes of it is the same whatever a shop sets, but for the names
of what it declares. A home with sources, segments or triggers of its own has a project of its own,
and parses that.
"""

import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

from orchestration.ground.checkout import DBT_PROJECT
from orchestration.warehouse.dbt_manifest import copy_parsed
from orchestration.warehouse.project_hashes import project_fingerprint

FOLDER = DBT_PROJECT / "target" / "parsed"
PARSING_VARIABLES = ("event_sources", "segments", "triggers", "log_variables")
"""Those on which it depends what dbt parses."""
_KEPT = 3


def take(target: Path, variables: Mapping[str, object]) -> bool:
    """Copy what was parsed for another home into the folder of this one, if there is such.

    Args:
        target: the folder of the parsed project of the home.
        variables: those of the dbt project, `dbt_build.dbt_vars`.
    """
    try:
        return copy_parsed(_folder(variables), target)
    except OSError:  # another process clears it away
        return False


def keep(parsed: Path, variables: Mapping[str, object]) -> None:
    """Keep what was parsed for other homes; where that cannot be written, each parses by itself."""
    folder = _folder(variables)
    with suppress(OSError):
        FOLDER.mkdir(parents=True, exist_ok=True)
        made = Path(mkdtemp(dir=FOLDER))
        try:
            copy_parsed(parsed, made)
            shutil.rmtree(folder, ignore_errors=True)  # one that was taken may be damaged
            made.rename(folder)
        except OSError:  # no room, or another process was first
            shutil.rmtree(made, ignore_errors=True)
        older = sorted(FOLDER.iterdir(), key=lambda path: path.stat().st_mtime)[:-_KEPT]
        for path in older:
            shutil.rmtree(path, ignore_errors=True)


def _folder(variables: Mapping[str, object]) -> Path:
    named = {name: variables[name] for name in PARSING_VARIABLES}
    return FOLDER / project_fingerprint(DBT_PROJECT, named)
