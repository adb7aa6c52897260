"""dbt, run inside this process.

Belongs here: turning settings and an hour into dbt's arguments, parsing the project once, running
it, and reading back what every model and test did. Not here: the SQL (`dbt_project`), and how
Dagster shows it (`dagster.dbt_assets`).
"""

import json
import logging
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.ground import encryption
from orchestration.ground.checkout import DBT_PROJECT
from orchestration.ground.errors import ComebackError
from orchestration.ground.failures import known
from orchestration.ground.files import replace_file
from orchestration.ground.home import Home
from orchestration.ground.own_files import new_since_read, note_read, own_files
from orchestration.ground.progress import progress
from orchestration.ground.project import project_of
from orchestration.ground.refused_segments import Refusal, copy_of_project, pardon, refuse
from orchestration.ground.segments import segments_in
from orchestration.ground.settings import Settings
from orchestration.ground.settings_schema import Mark, marked
from orchestration.ground.triggers import triggers_in
from orchestration.landing.locations import sources_in
from orchestration.landing.sources import EVENTS
from orchestration.warehouse import database, made_steps, shared_parse
from orchestration.warehouse.build_result import BuildResult, NodeResult, without_values
from orchestration.warehouse.building import follow
from orchestration.warehouse.dbt_manifest import (
    FINGERPRINT,
    PACKAGE,
    parsed_project,
    uncompiled,
)
from orchestration.warehouse.dbt_templates import kept_templates
from orchestration.warehouse.dbt_tuning import import_dbt, no_collection, parsed_before
from orchestration.warehouse.project_hashes import code_version, project_fingerprint
from orchestration.warehouse.reference_tables import ensure_reference_tables
from orchestration.warehouse.unchanged import build_inputs, by_the_hour

if TYPE_CHECKING:
    from dbt.artifacts.schemas.run import RunResult
    from dbt.contracts.graph.manifest import Manifest
    from dbt_common.events.base_types import EventMsg

logger = logging.getLogger(__name__)

Callback = Callable[["EventMsg"], None]

# What is built once the scores of the hour are there, as dbt's selection.
SECOND_STEP = tuple(f"fqn:{PACKAGE}.{each}" for each in ("people", "segments"))


def dbt_vars(settings: Settings, project: Path = DBT_PROJECT) -> dict[str, object]:
    """The variables of the dbt project that parsing depends on: all but those of one build.

    They are the settings that are marked so; the zone of the shop's clocks and its country;
    `log_variables`, the names of those that decide the tables of the log, of which dbt makes the
    fingerprint of a build; the names of all sources of events and of all segments; and the
    triggers.
    """
    return settings.variables | {
        "time_zone": settings.contacts.time_zone,
        "country": settings.contacts.country,
        "log_variables": marked(type(settings), Mark.LOG),
        "event_sources": event_sources(project),
        "segments": list(segments_in(project)),
        "triggers": [trigger.variable() for trigger in triggers_in(project)],
    }


def event_sources(project: Path) -> list[str]:
    """The sources of events that a project declares: each by its two files, and nowhere else."""
    return [name for name, source in sources_in(project).items() if source.holds == EVENTS]


def dbt_args(
    command: str,
    *,
    project: Path,
    target: Path,
    variables: Mapping[str, object],
    select: Sequence[str] = (),
    exclude: Sequence[str] = (),
    full_refresh: bool = False,
) -> list[str]:
    """dbt's command line: quiet, without telemetry, writing nothing outside of `target`."""
    return [
        "--quiet",
        "--no-use-colors",
        "--no-send-anonymous-usage-stats",
        "--no-version-check",
        "--log-level",
        "none",
        "--log-level-file",
        "none",
        "--write-json" if command == "parse" else "--no-write-json",
        command,
        "--project-dir",
        str(project),
        "--profiles-dir",
        str(project),
        "--target-path",
        str(target),
        "--vars",
        json.dumps(dict(variables), sort_keys=True),
        # unit tests say something of the SQL, not of an hour's data
        *(["--exclude-resource-type", "unit_test"] if command == "build" else []),
        *(["--select", *select] if select else []),
        *(["--exclude", *exclude] if exclude else []),
        *(["--full-refresh"] if full_refresh else []),
    ]


def prepare_manifest(home: Home, settings: Settings, project: Path | None = None) -> Path:
    """Parse the project unless that was done since it last changed.

    Args:
        home: where the parsed project is kept.
        settings: what the shop has set.
        project: folder of the dbt project, if not the home's.

    Returns:
        The path of `manifest.json`.

    Raises:
        ComebackError: dbt cannot parse the project.
    """
    given, project = project, project or project_of(home)
    variables = dbt_vars(settings, project=project)
    fingerprint = project_fingerprint(project, variables)
    stamp = home.dbt / FINGERPRINT
    manifest = home.dbt / "manifest.json"
    if stamp.exists() and stamp.read_text() == fingerprint and manifest.exists():
        return manifest
    if project == DBT_PROJECT and shared_parse.take(home.dbt, variables):
        replace_file(stamp, fingerprint.encode())
        return manifest
    logger.info("Parsing the dbt project.")
    # dbt, given its last parse, does not see what a changed macro refers to; without it there is no
    # parsed project, also if this one cannot be parsed and the one before is wanted again
    for path in (stamp, home.dbt / "partial_parse.msgpack"):
        path.unlink(missing_ok=True)
    args = dbt_args("parse", project=project, target=home.dbt, variables=variables)
    read = segments_in(project)
    try:
        invoke(home, settings, args)
    except ComebackError as error:
        is_refused = given is None and (
            _refuse_named(home, str(error)) or _refuse_new(home, settings, str(error))
        )
        if not is_refused:
            raise
        return prepare_manifest(home, settings)
    replace_file(stamp, fingerprint.encode())
    if project == DBT_PROJECT:
        shared_parse.keep(home.dbt, variables)
    elif project == copy_of_project(home):
        note_read(home, read.values())
    return manifest


def _refuse_named(home: Home, message: str) -> bool:
    """Refuse the segments of the shop's own that a message of dbt names; whether it names any."""
    named = re.findall(rf"segments/(\w+)\.(?:sql|yml)|model\.{PACKAGE}\.(\w+)", message)
    names = {name for pair in named for name in pair}.intersection(own_files(home).segments)
    missing = re.search(r"depends on a (?:node|source) named '([^']+)'", message)
    what = f"there is no table '{missing[1]}'" if missing else _cannot_read(message)
    for name in sorted(names):
        refuse(home, name, Refusal(what))
    return bool(names)


def _refuse_new(home: Home, settings: Settings, message: str) -> bool:
    """Of the segments of the shop's own that are new since dbt could read the project, refuse those
    that it cannot read it with, where it names none; whether there are any new ones.

    Raises:
        ComebackError: dbt cannot read the project without them either.
    """
    refusal = Refusal(_cannot_read(message))
    refused = [refuse(home, name, refusal) for name in new_since_read(home)]
    if not refused:
        return False
    try:
        prepare_manifest(home, settings)
        # one alone is known to be wrong; of several each is asked about
        for each in refused if len(refused) > 1 else ():
            pardon(home, each)
            prepare_manifest(home, settings)
    except BaseException:
        for each in refused:
            pardon(home, each)
        raise
    return True


def _cannot_read(message: str) -> str:
    said = re.search(r"dbt stopped \((.*)\), in the dbt project", message)
    return f"dbt cannot read it ({(said[1] if said else message)[:300]})"


def build(
    home: Home,
    settings: Settings,
    *,
    as_of: datetime | None,
    command: str = "build",
    select: Sequence[str] = (),
    exclude: Sequence[str] = SECOND_STEP,
    full_refresh: bool = False,
    project: Path | None = None,
    segments: Sequence[str] | None = None,
    with_rows: Sequence[str] | None = None,
    warehouse: Path | None = None,
    callbacks: Sequence[Callback] = (),
) -> BuildResult:
    """Run dbt over the warehouse, which must not be open in this process.

    Tables of the log take up what was loaded since the last build that was done; where that was
    made from the same files, SQL and settings, only what is of the hour is built, and of the same
    hour nothing. After another
    code or setting, and where there was none, dbt builds everything by itself. The SQL of sources
    that never had rows is left out: it takes longer to plan than a small log to build.

    Args:
        home: whose warehouse.
        settings: what the shop has set.
        as_of: the hour to score; None when only the log is built, which does not depend on it.
        command: `build` (models and tests) or `run` (models only).
        select: dbt's node selection; empty for all.
        exclude: what of these is left out; by default what reads scores.
        full_refresh: build from all rows, whatever was built before.
        project: folder of the dbt project, if not the home's.
        segments: only these are asked who is in them, to find one that fails; None for all.
        with_rows: sources that are taken to have rows; None for those that have.
        warehouse: another file than the home's.
        callbacks: called with each of dbt's events.

    Raises:
        ComebackError: dbt did not get as far as running nodes, or the file or the disk failed.
    """
    project = project or project_of(home)
    prepare_manifest(home, settings, project)
    begun = time.monotonic()
    fingerprint = (home.dbt / FINGERPRINT).read_text()
    variables = {**dbt_vars(settings, project=project), "code_version": code_version(project)}
    if segments is not None:
        variables["segments"] = list(segments)
    is_whole = command == "build" and not select and tuple(exclude) == SECOND_STEP
    with database.connect(home, settings, warehouse) as connection:
        ensure_reference_tables(connection, as_of)
        inputs = build_inputs(connection, fingerprint, variables, with_rows)
        is_as_before = inputs.are_as_built and not full_refresh
        if is_as_before and as_of is None:
            return BuildResult(())
        if is_as_before and is_whole and made_steps.log_of_the_hour(connection, as_of):
            return say_built(
                BuildResult((), tuple(made_steps.models_of_the_log(connection))), begun
            )
        is_second = command == "build" and tuple(select) == SECOND_STEP
        made_steps.forget(connection, *([made_steps.PEOPLE] if is_second else []))
    manifest = uncompiled(parsed_project(home.dbt, fingerprint))
    unchanged: list[str] = []
    if is_as_before and not select:
        select, others = by_the_hour(manifest)
        unchanged = [name for name in others if name not in inputs.without_rows]
    of_the_hour = {} if as_of is None else {"as_of": as_of.isoformat()}
    args = dbt_args(
        command,
        project=project,
        target=home.dbt,
        variables={**inputs.variables, "unchanged": unchanged, **of_the_hour},
        select=select,
        exclude=[*exclude, *inputs.without_rows],
        full_refresh=full_refresh,
    )
    results = invoke(home, settings, args, manifest, warehouse, callbacks)
    built = BuildResult(tuple(_node_result(each) for each in results), tuple(unchanged))
    say_built(built, begun)
    for node in built.bad:
        if trouble := known(node.message, home):
            raise trouble
    if is_whole and as_of is not None and not built.bad:
        with database.connect(home, settings, warehouse) as connection:
            made_steps.note_log(connection, as_of, [*built.unchanged, *built.models])
    return built


def say_built(built: BuildResult, begun: float) -> BuildResult:
    """Say how many nodes ran and how long that took; the same result."""
    seconds = time.monotonic() - begun
    logger.info(
        "dbt: %d nodes in %.1f s, %.1f of it their own.", len(built.nodes), seconds, built.seconds
    )
    return built


def invoke(
    home: Home,
    settings: Settings,
    args: list[str],
    manifest: "Manifest | None" = None,
    warehouse: Path | None = None,
    callbacks: Sequence[Callback] = (),
) -> "list[RunResult]":
    """Run one dbt command; the results of its nodes, none for `parse`.

    Raises:
        ComebackError: dbt did not get as far as running nodes, or the file or the disk failed.
    """
    import_dbt()
    from dbt.cli.main import dbtRunner

    with (
        _environment(home, settings, warehouse or home.warehouse),
        database.released(home),
        _warehouse_released_afterwards(),
        progress("Building", None, "nodes") as building,
        kept_templates(home.dbt, only_used=manifest is None),
        parsed_before(are_statements_heard=bool(callbacks)) if manifest else no_collection(),
    ):
        watchers = [*callbacks, partial(follow, building)]
        outcome = dbtRunner(manifest=manifest, callbacks=watchers).invoke(args)
    if outcome.exception is not None:
        raise known(str(outcome.exception), home) or ComebackError(
            f"dbt stopped ({_one_line(str(outcome.exception))})",
            "in the dbt project",
            "correct it, then run again",
        ) from outcome.exception
    return list(getattr(outcome.result, "results", ()))


@contextmanager
def _environment(home: Home, settings: Settings, warehouse: Path) -> Iterator[None]:
    """What `profiles.yml` reads from the environment; the working directory is kept."""
    values = {
        "COMEBACK_WAREHOUSE": encryption.address(warehouse),
        "COMEBACK_MEMORY_LIMIT": settings.memory_limit,
        "COMEBACK_THREADS": str(settings.threads),
        "COMEBACK_TEMP": str(home.temporary),
        "DO_NOT_TRACK": "1",
    }
    before = {name: os.environ.get(name) for name in values}
    folder = Path.cwd()
    os.environ.update(values)
    try:
        yield
    finally:
        os.chdir(folder)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _warehouse_released_afterwards() -> Iterator[None]:
    """dbt-duckdb keeps the file open for the life of the process unless it is closed."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    try:
        yield
    finally:
        if DuckDBConnectionManager._ENV is not None:
            DuckDBConnectionManager._ENV.close()
        DuckDBConnectionManager.close_all_connections()


def _node_result(result: "RunResult") -> NodeResult:
    return NodeResult(
        unique_id=result.node.unique_id,
        status=str(result.status),
        seconds=float(result.execution_time),
        failures=result.failures,
        message=without_values(_one_line(result.message or "")),
        tested=getattr(result.node, "attached_node", None),
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())
