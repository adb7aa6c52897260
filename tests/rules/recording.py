"""What dbt itself runs, statement by statement, written down once so that many logs can follow.

Belongs here: running dbt over an empty warehouse, the statements that it sent to DuckDB node by
node, and keeping them until the project changes. Does not belong here: running them again
(warehouse.py), or any knowledge of materialisations, strategies and hooks: they are dbt's.

dbt needs seconds, a log needs milliseconds. What dbt sends depends on what it finds, and it finds
one of three things: nothing; tables whose build never ended; tables of a build that did.
"""

import hashlib
import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path

import duckdb
from dbt.contracts.graph.manifest import Manifest
from dbt.contracts.graph.nodes import ModelNode
from dbt_common.events.base_types import EventMsg

from orchestration.landing import ensure_raw_tables, load_sources
from orchestration.warehouse.dbt_build import event_sources
from orchestration.warehouse.dbt_manifest import PACKAGE
from orchestration.warehouse.person_tables import PERSON_SCORES
from orchestration.warehouse.project_hashes import project_fingerprint
from orchestration.warehouse.reference_tables import ensure_reference_tables
from orchestration.warehouse.score_tables import CART_SCORES

from . import dbt_runs
from .dbt_runs import (
    DATABASE,
    PLACEHOLDER_HOUR,
    PROJECT,
    Parsed,
    invoke,
    locked,
    parse_variables,
    parsed_once,
)
from .reference_calendar import COUNTRY_NAMES, HOLIDAYS

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
    like: Recording | None = None,
) -> Recording:
    """The recording of a project; made once for each content of it, whoever asks first.

    Args:
        cache: a folder for it; processes may share it. Recordings of other sources need another.
        project: the dbt project.
        sources: those whose rows go through the rules.
        like: one of other sources, of which all is taken that does not depend on the sources; it
            has only what dbt sends where it finds nothing.

    Raises:
        RuntimeError: dbt cannot build the project.
    """
    variables = {
        "as_of": PLACEHOLDER_HOUR.isoformat(),
        "sources_with_rows": [*sources],
        **parse_variables(project),
    }
    raw = _raw_tables(project)
    versions = [duckdb.__version__, version("dbt-core"), version("dbt-duckdb")]
    content = hashlib.sha256(Path(__file__).read_bytes() + Path(dbt_runs.__file__).read_bytes())
    content.update(project_fingerprint(project, variables).encode())
    content.update(json.dumps([raw, versions]).encode())
    path = cache / f"{content.hexdigest()}.json"
    with locked(cache / "lock"):
        if not path.exists():
            for old in cache.glob("*.json"):
                old.unlink()
            written = path.with_suffix(".part")
            parsed = parsed_once(project, cache.parent)
            if like:
                made = _record_like(like, project, raw, variables, parsed)
            else:
                made = _record(project, raw, variables, parsed)
            written.write_text(json.dumps(asdict(made)))
            written.replace(path)
    kept = json.loads(path.read_text())
    return Recording(**kept | {"models": [Model(**model) for model in kept["models"]]})


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
    project: Path, raw: Sequence[str], variables: Mapping[str, object], parsed: Parsed
) -> Recording:
    with _warehouse(raw) as database:
        target = database.parent
        builds = {NOTHING: _build(project, target, variables, parsed)}
        first = builds[NOTHING].models
        names = {node.unique_id: node.alias for node in first}
        # those of later builds read themselves, too
        needs = {node.alias: _needs(node, names) for node in first}
        with duckdb.connect(str(database)) as connection:
            # its end is what this table stands for
            connection.execute("drop table last_build")
        for found in (UNENDED, ENDED):
            builds[found] = _build(project, target, variables, parsed)
        views = _views(database)
    return Recording(
        raw=raw,
        begin={found: build.hook("on-run-start") for found, build in builds.items()},
        models=[_model(node, needs[node.alias], views, builds) for node in first],
        finish={found: build.hook("on-run-end") for found, build in builds.items()},
    )


def _record_like(
    like: Recording,
    project: Path,
    raw: Sequence[str],
    variables: Mapping[str, object],
    parsed: Parsed,
) -> Recording:
    """What dbt sends for the models that name the sources, and of the others what it sent before.

    The others are there when dbt builds these, and that no build ended, as in a first one.
    """
    staged = {f"stg_{name}" for name in event_sources(project)}
    wanted = {f"stg_{name}" for name in variables["sources_with_rows"]}
    others = [model for model in like.models if model.name not in staged]
    asked = [name for name in _naming_sources(parsed.manifest) if name not in staged]
    with _warehouse(raw) as database:
        with duckdb.connect(str(database)) as connection:
            connection.execute("set TimeZone = 'UTC'")
            for sql in (
                *like.begin[NOTHING],
                *(sql for model in like.models for sql in model.statements[NOTHING]),
                *(f"drop view {model.name}" for model in like.models if model.name in staged),
                *(f"drop table {model.name}" for model in others if model.name in asked),
            ):
                connection.execute(sql)
        build = _build(project, database.parent, variables, parsed, [*wanted, *asked])
        views = _views(database)
    there = {*wanted, *(model.name for model in others)}
    names = {id_: node.alias for id_, node in parsed.manifest.nodes.items() if node.alias in there}
    made = {
        node.alias: _model(node, _needs(node, names), views, {NOTHING: build})
        for node in build.models
    }
    assert made.keys() == {*wanted, *asked}
    models = [made.get(model.name, model) for model in others]
    models[:0] = (made[name] for name in sorted(wanted))
    return Recording(
        raw=raw,
        begin={NOTHING: like.begin[NOTHING]},
        models=[
            replace(model, statements={NOTHING: model.statements[NOTHING]}) for model in models
        ],
        finish={NOTHING: like.finish[NOTHING]},
    )


def _naming_sources(parsed: Manifest) -> list[str]:
    """The models whose SQL depends on which sources have rows."""
    callers = {f"macro.{PACKAGE}.sources_with_rows"}
    while more := {
        id_
        for id_, macro in parsed.macros.items()
        if id_ not in callers and callers.intersection(macro.depends_on.macros)
    }:
        callers |= more
    return [
        node.alias
        for node in parsed.nodes.values()
        if node.resource_type == "model" and callers.intersection(node.depends_on.macros)
    ]


@contextmanager
def _warehouse(raw: Sequence[str]) -> Iterator[Path]:
    """A file with the tables of landing, in a folder that dbt may write into, too."""
    with tempfile.TemporaryDirectory(prefix="comeback-dbt-") as folder:
        database = Path(folder) / f"{DATABASE}.duckdb"
        with duckdb.connect(str(database)) as connection:
            for sql in raw:
                connection.execute(sql)
        yield database


def _views(database: Path) -> set[str]:
    with duckdb.connect(str(database)) as connection:
        found = connection.execute("select view_name from duckdb_views()").fetchall()
    return {name for (name,) in found}


def _model(
    node: ModelNode, needs: Sequence[str], views: Set[str], builds: "Mapping[str, _Build]"
) -> Model:
    return Model(
        name=node.alias,
        folder=node.fqn[1],
        is_view=node.alias in views,
        lasts="rebuilt_for" in node.config.meta,
        needs=needs,
        statements={
            found: build.statements.get(node.unique_id, []) for found, build in builds.items()
        },
    )


def _needs(node: ModelNode, names: Mapping[str, str]) -> list[str]:
    """What a model stands on, of what is built: names by dbt's ids."""
    # what ephemeral models stand on is in its SQL
    return [
        name
        for need, name in names.items()
        if need in node.depends_on.nodes or f'"main"."{name}"' in node.compiled_code
    ]


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


def _build(
    project: Path,
    target: Path,
    variables: Mapping[str, object],
    parsed: Parsed,
    select: Sequence[str] = (),
) -> _Build:
    build = _Build()
    with_rows = variables["sources_with_rows"]
    others = [name for name in event_sources(project) if name not in with_rows]
    options = ["--select", *select] if select else []
    options += ["--exclude", *(f"stg_{name}" for name in others)] if others else []
    results = invoke("run", parsed, project, target, variables, options, [build.note]).results
    build.models = [result.node for result in results if result.node.resource_type == "model"]
    return build
