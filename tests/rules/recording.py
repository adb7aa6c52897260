"""What dbt itself runs, statement by statement, written down once so that many logs can follow.

Belongs here: running dbt over an empty warehouse, the statements that it sent to DuckDB node by
node, and keeping them until the project changes. Does not belong here: running them again
(warehouse.py), or any knowledge of materialisations, strategies and hooks: they are dbt's.

dbt needs seconds, a log needs milliseconds. What dbt sends depends on what it finds, and it finds
one of three things: nothing; tables whose build never ended; tables of a build that did.
"""

import fcntl
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt_common.events.base_types import EventMsg

from orchestration.ground.segments import segments_in
from orchestration.landing import ensure_raw_tables, load_sources
from orchestration.warehouse.dbt_build import event_sources
from orchestration.warehouse.dbt_manifest import uncompiled
from orchestration.warehouse.person_tables import PERSON_SCORES
from orchestration.warehouse.project_hashes import project_fingerprint
from orchestration.warehouse.reference_tables import ensure_reference_tables
from orchestration.warehouse.score_tables import CART_SCORES

from . import trigger_rules
from .reference_calendar import COUNTRY_NAMES, HOLIDAYS

PROJECT = Path(
    os.environ.get("COMEBACK_DBT_PROJECT") or Path(__file__).parents[2] / "dbt_project"
).resolve()
DATABASE = "warehouse"
# An hour that no log contains: where its text stands in a statement, the log's hour belongs.
PLACEHOLDER_HOUR = datetime(1987, 6, 5, 4)
# One source's rows go through the rules like any other's, and plans stay small.
SOURCES = ("canonical",)
# Sources of which each has rows of its own shape.
VENDORS = ("amplitude", "ga4", "mixpanel", "segment", "snowplow", "tealium")
OTHERS = ("rees46", "shopify_pixel")
# What dbt finds.
NOTHING, UNENDED, ENDED = "nothing", "unended", "ended"
# Words that begin a statement: what changes tables is kept, what asks or describes is not.
CHANGING = {"begin", "commit", "create", "insert", "delete", "update", "drop", "alter", "truncate"}
ASKING = {"select", "describe", "comment", "set"}

Statements = Mapping[str, Sequence[str]]
"""By what dbt found: the statements that it sent."""


@dataclass(frozen=True)
class Model:
    """A model as dbt builds it.

    Attributes:
        name: of its relation.
        folder: the part of the project that it lies in, such as `carts`.
        is_view: whether its relation is a view.
        lasts: whether a build replaces some of its rows only.
        needs: the models that it stands on.
        statements: what builds it.
    """

    name: str
    folder: str
    is_view: bool
    lasts: bool
    needs: Sequence[str]
    statements: Statements


@dataclass(frozen=True)
class Recording:
    """All that dbt sends in a build.

    Attributes:
        raw: what makes the tables of landing, as `orchestration` does.
        begin: before the first model.
        models: in dbt's order.
        finish: after the last.
    """

    raw: Sequence[str]
    begin: Statements
    models: Sequence[Model]
    finish: Statements


def recording(
    cache: Path,
    project: Path = PROJECT,
    sources: Sequence[str] = SOURCES,
    *,
    is_repeated: bool = True,
) -> Recording:
    """The recording of a project; made once for each content of it, whoever asks first.

    Args:
        cache: a folder for it; processes may share it. Recordings of other sources need another.
        project: the dbt project.
        sources: those whose rows go through the rules.
        is_repeated: whether to record what dbt sends where it finds tables, too.

    Raises:
        RuntimeError: dbt cannot build the project.
    """
    variables = {
        "as_of": PLACEHOLDER_HOUR.isoformat(),
        "sources_with_rows": [*sources],
        **_parse_variables(project),
    }
    raw = _raw_tables(project)
    versions = [duckdb.__version__, version("dbt-core"), version("dbt-duckdb")]
    content = hashlib.sha256(Path(__file__).read_bytes())
    content.update(project_fingerprint(project, variables).encode())
    content.update(json.dumps([raw, versions]).encode())
    path = cache / f"{content.hexdigest()}.json"
    with _locked(cache / "lock"):
        if not path.exists():
            for old in cache.glob("*.json"):
                old.unlink()
            written = path.with_suffix(".part")
            written.write_text(
                json.dumps(asdict(_record(project, raw, variables, is_repeated=is_repeated)))
            )
            written.replace(path)
    kept = json.loads(path.read_text())
    return Recording(**kept | {"models": [Model(**model) for model in kept["models"]]})


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _raw_tables(project: Path) -> list[str]:
    with duckdb.connect() as connection:
        ensure_raw_tables(connection, load_sources(project / "models" / "staging"))
        ensure_reference_tables(connection)
        tables = "select sql from duckdb_tables() where schema_name in ('raw', 'reference')"
        raw = [sql for (sql,) in connection.execute(tables).fetchall()]
    return [
        "create schema raw",
        "create schema reference",
        *raw,
        f"insert into reference.country_names values {_values(COUNTRY_NAMES.items())}",
        f"insert into reference.public_holidays values {_values(HOLIDAYS)}",
        "create schema scores",
        CART_SCORES.ddl("scores.cart_scores"),
        PERSON_SCORES.ddl("scores.person_scores"),
    ]


def _values(rows: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"('{first}', '{second}')" for first, second in rows)


def _record(
    project: Path, raw: Sequence[str], variables: Mapping[str, object], *, is_repeated: bool
) -> Recording:
    with tempfile.TemporaryDirectory(prefix="comeback-dbt-") as folder:
        target = Path(folder)
        database = target / f"{DATABASE}.duckdb"
        with duckdb.connect(str(database)) as connection:
            for sql in raw:
                connection.execute(sql)
        builds = {NOTHING: _build(project, target, variables)}
        if is_repeated:
            with duckdb.connect(str(database)) as connection:
                # its end is what this table stands for
                connection.execute("drop table last_build")
            builds |= {found: _build(project, target, variables) for found in (UNENDED, ENDED)}
        with duckdb.connect(str(database)) as connection:
            views = {
                name
                for (name,) in connection.execute("select view_name from duckdb_views()").fetchall()
            }
    first = builds[NOTHING]
    names = {node.unique_id: node.alias for node in first.models}
    return Recording(
        raw=raw,
        begin={found: build.hook("on-run-start") for found, build in builds.items()},
        models=[
            Model(
                name=node.alias,
                folder=node.fqn[1],
                is_view=node.alias in views,
                lasts="rebuilt_for" in node.config.meta,
                # those of ephemeral models stand in its SQL
                needs=[
                    name
                    for need, name in names.items()
                    if need in node.depends_on.nodes or f'"main"."{name}"' in node.compiled_code
                ],
                statements={
                    found: build.statements.get(node.unique_id, [])
                    for found, build in builds.items()
                },
            )
            for node in first.models
        ],
        finish={found: build.hook("on-run-end") for found, build in builds.items()},
    )


@dataclass
class _Build:
    """One run of dbt: what it sent node by node, and the models in the order in which they ran."""

    statements: dict[str, list[str]] = field(default_factory=dict)
    models: list = field(default_factory=list)

    def note(self, message: EventMsg) -> None:
        """Take down what is sent for a node; what dbt asks for itself is nobody's."""
        if message.info.name == "SQLQuery" and message.data.node_info.unique_id:
            sql = re.sub(r"\A\s*/\*.*?\*/\s*", "", message.data.sql, flags=re.DOTALL)
            if _is_changing(sql):
                self.statements.setdefault(message.data.node_info.unique_id, []).append(sql)

    def hook(self, name: str) -> list[str]:
        return [
            sql
            for node, statements in self.statements.items()
            if node.startswith("operation.") and name in node
            for sql in statements
        ]


def _is_changing(sql: str) -> bool:
    found = re.match(r"(?:\s*(?:--[^\n]*\n|;))*\s*(\w*)", sql)
    word = found[1].lower()
    if word and word not in CHANGING | ASKING:
        raise RuntimeError(f"dbt sent what this recording cannot place: {sql[:80]}")
    return word in CHANGING


def _build(project: Path, target: Path, variables: Mapping[str, object]) -> _Build:
    build = _Build()
    with_rows = variables["sources_with_rows"]
    others = [name for name in event_sources(project) if name not in with_rows]
    runner = dbtRunner(manifest=uncompiled(_parsed(project)), callbacks=[build.note])
    exclude = ["--exclude", *(f"stg_{name}" for name in others)] if others else []
    results = _invoke(runner, "run", project, target, variables, exclude).results
    build.models = [result.node for result in results if result.node.resource_type == "model"]
    return build


def _parse_variables(project: Path) -> dict[str, object]:
    """What orchestration hands over of the files of the project."""
    return {
        "event_sources": event_sources(project),
        "segments": [*segments_in(project)],
        "triggers": trigger_rules.variable(project),
    }


@cache
def _parsed(project: Path) -> Manifest:
    """The project as dbt has parsed it; once a process, as it takes longer than a build."""
    with tempfile.TemporaryDirectory(prefix="comeback-dbt-") as folder:
        variables = {"as_of": PLACEHOLDER_HOUR.isoformat(), **_parse_variables(project)}
        return _invoke(dbtRunner(), "parse", project, Path(folder), variables)


def _invoke(
    runner: dbtRunner,
    command: str,
    project: Path,
    target: Path,
    variables: Mapping[str, object],
    options: Sequence[str] = (),
) -> Any:
    environment = {
        "COMEBACK_WAREHOUSE": str(target / f"{DATABASE}.duckdb"),
        "COMEBACK_TEMP": str(target),
        "DO_NOT_TRACK": "1",
    }
    # dbt goes into the project's folder
    with patch.dict(os.environ, environment), chdir(Path.cwd()):
        outcome = runner.invoke(
            [
                *("--quiet", "--log-level-file", "none", "--no-version-check", command),
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
