"""dagster_dbt without dbt, which takes longer to import than all of Dagster.

Belongs here: importing it so, and which nodes of the project its assets are of. Not here: the
assets (`dbt_assets`), or running dbt (`warehouse.dbt_build`).

Most commands run no dbt, nor does an hour with nothing new. dagster_dbt does without where dbt is
not installed, but for one question: which nodes a selection is of. The answer follows from the
parsed project, and is kept beside it.
"""

import json
import sys
from collections.abc import Iterator, Set
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from packaging.version import Version

from orchestration.ground import kept_code
from orchestration.warehouse.dbt_manifest import FINGERPRINT
from orchestration.warehouse.dbt_tuning import import_dbt

_PACKAGES = ("dbt-core", "dagster-dbt")
_SELECTED = "selected"


def import_dagster_dbt() -> None:
    """Import dagster_dbt as if dbt were not installed, unless one of them is imported already."""
    if "dbt" in sys.modules or "dagster_dbt" in sys.modules:
        return
    # Python's own way to say that a module is not to be found
    sys.modules["dbt"] = None  # type: ignore[assignment]
    try:
        import dagster_dbt  # noqa: F401 for whoever imports from it next
    finally:
        del sys.modules["dbt"]


@contextmanager
def selections_kept(folder: Path) -> Iterator[None]:
    """Selections are looked up beside the parsed project; dbt is asked once for each."""
    from dagster_dbt import asset_utils

    as_dbt = asset_utils.select_unique_ids
    of = (folder / FINGERPRINT).read_text()
    path = folder / _SELECTED
    kept: dict[str, list[str]] = json.loads(kept_code.read(path, _PACKAGES, of=of) or b"{}")
    asked = {**kept}

    def select(select: str, exclude: str, selector: str, *args: Any, **options: Any) -> Set[str]:
        name = json.dumps([select, exclude, selector])
        if name not in asked:
            with _dbt_there():
                asked[name] = sorted(as_dbt(select, exclude, selector, *args, **options))
        return set(asked[name])

    asset_utils.select_unique_ids = select
    try:
        yield
    finally:
        asset_utils.select_unique_ids = as_dbt
    if asked != kept:
        kept_code.keep(path, json.dumps(asked).encode(), _PACKAGES, of=of)


@contextmanager
def _dbt_there() -> Iterator[None]:
    """dagster_dbt asks dbt."""
    from dagster_dbt import utils

    import_dbt()
    before = utils.DBT_PYTHON_VERSION
    utils.DBT_PYTHON_VERSION = Version(version("dbt-core"))
    try:
        yield
    finally:
        utils.DBT_PYTHON_VERSION = before
