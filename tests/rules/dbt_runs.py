"""dbt, run in this process over the project that is tested.

Belongs here: which project that is, parsing it once for all processes of a session, and dbt's
command line. Does not belong here: what is made of what dbt does (recording.py, the tests).
"""

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt_common.events.base_types import EventMsg

from orchestration.ground.segments import segments_in
from orchestration.warehouse.dbt_build import event_sources
from orchestration.warehouse.dbt_manifest import parsed_project, uncompiled
from orchestration.warehouse.dbt_templates import TEMPLATES, kept_templates
from orchestration.warehouse.dbt_tuning import no_collection, parsed_before
from orchestration.warehouse.project_hashes import project_fingerprint

from . import trigger_rules

PROJECT = Path(
    os.environ.get("COMEBACK_DBT_PROJECT") or Path(__file__).parents[2] / "dbt_project"
).resolve()
DATABASE = "warehouse"
# An hour that no log contains: where its text stands in a statement, the log's hour belongs.
PLACEHOLDER_HOUR = datetime(1987, 6, 5, 4)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait for a file that one process at a time may hold."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def parse_variables(project: Path) -> dict[str, object]:
    """What orchestration hands over of the files of the project."""
    return {
        "event_sources": event_sources(project),
        "segments": [*segments_in(project)],
        "triggers": trigger_rules.variable(project),
    }


@dataclass(frozen=True)
class Parsed:
    """The project as dbt has parsed it.

    Attributes:
        manifest: as dbt keeps it for itself; None until it has parsed it.
        folder: where the code lies that Jinja made of it.
    """

    manifest: Manifest | None
    folder: Path


@cache
def parsed_once(project: Path, folder: Path) -> Parsed:
    """The project as dbt has parsed it, which takes longer than a build; once for all processes."""
    variables = {"as_of": PLACEHOLDER_HOUR.isoformat(), **parse_variables(project)}
    kept = folder / "dbt_parsed" / project_fingerprint(project, variables)
    kept.parent.mkdir(exist_ok=True)
    with locked(kept.with_name("lock")):
        if not kept.exists():
            for old in kept.parent.glob("*/"):
                shutil.rmtree(old)
            with tempfile.TemporaryDirectory(dir=kept.parent) as made:
                invoke("parse", Parsed(None, Path(made)), project, Path(made, "target"), variables)
                Path(made, TEMPLATES).rename(Path(made, "target", TEMPLATES))
                Path(made, "target").rename(kept)
    return Parsed(parsed_project.__wrapped__(kept, kept.name), kept)


def invoke(
    command: str,
    parsed: Parsed,
    project: Path,
    target: Path,
    variables: Mapping[str, object],
    options: Sequence[str] = (),
    hears: Sequence[Callable[[EventMsg], None]] = (),
) -> Any:
    """One of dbt's commands over the parsed project, in a warehouse below `target`.

    What `orchestration` spares dbt in its builds it is spared here, too.

    Args:
        hears: called with each of dbt's events.

    Returns:
        What dbt returns.

    Raises:
        RuntimeError: it fails.
    """
    environment = {
        "COMEBACK_WAREHOUSE": str(target / f"{DATABASE}.duckdb"),
        "COMEBACK_TEMP": str(target),
        "DO_NOT_TRACK": "1",
    }
    manifest = parsed.manifest and uncompiled(parsed.manifest)
    runner = dbtRunner(manifest=manifest, callbacks=[*hears])
    with (
        patch.dict(os.environ, environment),
        chdir(Path.cwd()),  # dbt goes into the project's folder
        kept_templates(parsed.folder),
        parsed_before(are_statements_heard=bool(hears)) if manifest else no_collection(),
    ):
        outcome = runner.invoke(
            [
                *("--quiet", "--log-level-file", "none", "--no-version-check"),
                *("--no-write-json", command),
                *("--project-dir", str(project), "--profiles-dir", str(project)),
                *("--target-path", str(target), "--log-path", str(target)),
                *("--vars", json.dumps(variables), *options),
            ]
        )
    # dbt would keep the file open for the life of the process
    DuckDBConnectionManager.close_all_connections()
    if not outcome.success:
        raise RuntimeError(f"dbt cannot build {project}: {outcome.exception or outcome.result}")
    return outcome.result
