"""The shop's own sources as they were when an hour last ended well.

Belongs here: keeping these files, and a home that has them in the place of those that are there.
Not here: what is wrong with a source (`landing`). An hour stops at a wrong one, for it cannot land
what it is for; the rights of people must not, and need it to find what has landed.
"""

import shutil
from pathlib import Path

from orchestration.ground.home import Home

FOLDER = "dbt/good_sources"


def remember(home: Home) -> None:
    """Keep the sources as they are now."""
    good, now = home.root / FOLDER, _contents(home.sources)
    if good.is_dir() and _contents(good) == now:
        return
    shutil.rmtree(good, ignore_errors=True)
    good.mkdir(parents=True)
    for name, content in now.items():
        (good / name).write_bytes(content)


def fallback(home: Home) -> Home | None:
    """The same home with the sources that were kept, none where no hour ended well; None if these
    are the ones that it has."""
    if _contents(home.root / FOLDER) == _contents(home.sources):
        return None
    return Home(home.root, FOLDER)


def _contents(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.glob("*.*") if path.suffix in (".yml", ".sql")]
    return {path.name: path.read_bytes() for path in paths if not path.name.startswith(".")}
