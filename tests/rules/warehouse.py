"""The project's own SQL, run on a log in a fraction of a second.

Belongs here: dbt's compiled models, put into an in-memory DuckDB and run in dbt's order, and the
reading of the tables they make. Does not belong here: what the tables ought to hold.

dbt needs seconds, a log needs milliseconds: so dbt compiles once for a full build and once for one
that follows it, and the compiled selects are what every log is put through. The in-memory database
is attached under the name that dbt rendered.
"""

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from graphlib import TopologicalSorter
from pathlib import Path
from unittest.mock import patch

import duckdb
import pyarrow as pa
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from .cases import LOADED_AT, Row
from .reference import CANONICAL_COLUMNS

PROJECT = Path(__file__).parents[2] / "dbt_project"
DATABASE = "warehouse"
# An hour that no log contains: where its text stands in the compiled SQL, the log's hour belongs.
PLACEHOLDER_HOUR = datetime(1987, 6, 5, 4)
# One source's rows go through the rules like any other's, and plans stay small.
VARIABLES = {"as_of": PLACEHOLDER_HOUR.isoformat(), "event_sources": ["canonical"]}

LOADED = pa.schema(
    [("_load_id", pa.int64()), ("_line", pa.int64())]
    + [(column, pa.string()) for column in (*CANONICAL_COLUMNS, "_extra")]
)
EVENT_COLUMNS = (
    "source, event_id, visitor_id, user_id, event_at, event_type, item_id, quantity, price,"
    " currency, order_id, order_value"
)
# Each select gives the columns of the table of the same name in reference.py: a hashed id is
# replaced by the visitor and the start that it is a hash of.
SELECTS = {
    "events": f"select {EVENT_COLUMNS}, owner_id from events",
    "orders": "select visitor_id, event_at as ordered_at, order_id, order_value from orders",
    "sessions": """
        select visitor_id, started_at, ended_at, owner_id, event_count, view_count, add_count,
            remove_count, checkout_count, order_count, order_value, has_cart, is_cart_abandoned,
            is_suspected_bot
        from sessions""",
    "carts": """
        select carts.* exclude (cart_id, session_id), sessions.started_at as session_started_at
        from carts left join sessions using (session_id)""",
    "cart_lines": """
        select visitor_id, started_at as cart_started_at, item_id, quantity, unit_price
        from cart_lines left join carts using (cart_id, visitor_id)""",
    "training_snapshots": """
        select visitor_id, started_at as cart_started_at, as_of, snapshots.owner_id,
            snapshots.last_touched_at, session_ended_at, snapshots.cart_value,
            converts_within_horizon
        from training_snapshots as snapshots left join carts using (cart_id, visitor_id)""",
    "scoring_snapshots": """
        select visitor_id, started_at as cart_started_at, as_of, snapshots.owner_id,
            snapshots.last_touched_at, session_ended_at, snapshots.cart_value
        from scoring_snapshots as snapshots left join carts using (cart_id, visitor_id)""",
    "training_returns": """
        select visitor_id, started_at as session_started_at, returns.owner_id, returns.ended_at,
            duration_hours, is_returned
        from training_returns as returns left join sessions using (session_id, visitor_id)""",
    "scoring_returns": """
        select visitor_id, started_at as cart_started_at, returns.owner_id, ended_at,
            elapsed_hours
        from scoring_returns as returns left join carts using (cart_id, visitor_id)""",
}


@dataclass(frozen=True)
class Model:
    """A compiled model.

    Attributes:
        name: of its relation.
        kind: `view`, `table`, `rebuilt` for a table of which a build replaces a part, `incremental`
            for one that keeps a row a build; here it keeps that of the newest one.
        sql: its select in a full build.
        following_sql: its select in a build that follows another.
        rebuilt_for: the relation that names the rows to replace, and by which columns.
        needs: the models it stands on.
    """

    name: str
    kind: str
    sql: str
    following_sql: str
    rebuilt_for: Mapping[str, Sequence[str]]
    needs: tuple[str, ...]


class Warehouse:
    """The compiled models over raw tables that hold one log at a time."""

    def __init__(self, models: Sequence[Model], raw_tables: Mapping[str, Sequence[str]]) -> None:
        """Make the raw tables (name to columns of text) and the views; no log is in them yet."""
        self._models = models
        kept = [model.name for model in models if model.kind in ("rebuilt", "incremental")]
        needed = self._needed(kept)
        self._lasting = [model for model in models if model.name in needed]
        self._raw_tables = raw_tables
        self._connection = duckdb.connect(config={"threads": 1})
        self._connection.execute(f"attach ':memory:' as {DATABASE}")
        self._connection.execute(f"use {DATABASE}")
        self._connection.execute("set TimeZone = 'UTC'")
        self._connection.execute("create schema raw")
        self._connection.execute("""
            create table raw.files (
                load_id bigint, source varchar, file varchar, content_hash varchar,
                byte_size bigint, landed_at timestamp, rows_read bigint, note varchar,
                delimiter varchar
            )""")
        for name in ("unreadable_rows", "repaired_rows"):
            self._connection.execute(f"""
                create table raw.{name} (
                    load_id bigint, line bigint, reason varchar, detail varchar, raw_row varchar
                )""")
        self._connection.execute(
            "create table last_build (load_id bigint, newest_event_at timestamp)"
        )
        self._views: dict[str, str] = {}
        for name, columns in raw_tables.items():
            typed = "".join(f'"{column}" varchar, ' for column in columns)
            self._connection.execute(
                f"create table raw.{name} (_load_id bigint, _line bigint, {typed} _extra varchar)"
            )

    @property
    def model_names(self) -> list[str]:
        """All models, in the order in which they are built."""
        return [model.name for model in self._models]

    @property
    def lasting_names(self) -> list[str]:
        """Of these, the ones that `follow` builds."""
        return [model.name for model in self._lasting]

    def build(
        self,
        rows: Sequence[Row],
        as_of: datetime,
        *,
        tables: Iterable[str] = SELECTS,
        files: Sequence[int] | None = None,
    ) -> None:
        """Load the rows and build the models that `tables`, names in `SELECTS`, are read from.

        `files` gives the number of the file of each row, in order of loading; default: one file.
        """
        self.empty()
        self.land(rows, files or [1] * len(rows))
        needed = self._needed(tables)
        for model in self._models:
            if model.name in needed:
                self._create(model, model.sql, as_of)

    def move(self, as_of: datetime, tables: Iterable[str] = SELECTS) -> None:
        """Build again, of the models that `tables` are read from, those that depend on the hour."""
        needed, moved = self._needed(tables), set()
        for model in self._models:
            if str(PLACEHOLDER_HOUR) in model.sql or moved.intersection(model.needs):
                moved.add(model.name)
                if model.name in needed:
                    self._create(model, model.sql, as_of)

    def follow(self, as_of: datetime, *, only_first: int | None = None) -> None:
        """Build as dbt does after an earlier build: what came since is taken up.

        Views, and tables that are of one hour and that no other build sees, are left to `finish`.
        `only_first` is the number of models after which the build dies.
        """
        is_first = not self.query("select * from last_build")
        for model in self._lasting[:only_first]:
            if is_first:
                self._create(model, model.sql, as_of)
            elif model.kind == "rebuilt":
                self._rebuild(model, as_of)
            elif model.kind != "view":
                self._create(model, model.following_sql, as_of)
        if only_first is None:
            self._connection.execute("""
                delete from last_build;
                insert into last_build select
                    (select coalesce(max(load_id), 0) from raw.files),
                    (select max(event_at) from events);
                delete from affected_visitors;
                delete from previous_sessions;
                delete from previous_carts""")

    def finish(self, as_of: datetime) -> None:
        """Build what `follow` leaves out."""
        for model in self._models:
            if model not in self._lasting:
                self._create(model, model.following_sql, as_of)

    def _create(self, model: Model, sql: str, as_of: datetime) -> None:
        select = _at_hour(sql, as_of)
        if model.kind != "view":
            self._connection.execute(f"create or replace table {model.name} as ({select}\n)")
        elif self._views.get(model.name) != select:
            # a view stands on tables by name, and to bind it again takes long
            self._connection.execute(f"create or replace view {model.name} as ({select}\n)")
            self._views[model.name] = select

    def _rebuild(self, model: Model, as_of: datetime) -> None:
        for named_by, columns in model.rebuilt_for.items():
            keys = ", ".join(columns)
            self._connection.execute(
                f"delete from {model.name} where ({keys}) in (select {keys} from {named_by})"
            )
        self._connection.execute(
            f"insert into {model.name} by name ({_at_hour(model.following_sql, as_of)}\n)"
        )

    def tables(
        self, rows: Sequence[Row], as_of: datetime, tables: Iterable[str] = SELECTS
    ) -> dict[str, list[dict]]:
        """Build `tables` of a log and read them as reference.py writes them."""
        self.build(rows, as_of, tables=tables)
        return {name: self.query(SELECTS[name]) for name in tables}

    def _needed(self, tables: Iterable[str]) -> set[str]:
        needs = {model.name: model.needs for model in self._models}
        found: set[str] = set()
        ahead = [word for table in tables for word in re.findall(r"\w+", SELECTS.get(table, table))]
        while ahead:
            name = ahead.pop()
            if name in needs and name not in found:
                found.add(name)
                ahead.extend(needs[name])
        return found

    def query(self, select: str) -> list[dict]:
        """The rows of a select; times in UTC, money and whole numbers exact."""
        cursor = self._connection.execute(select)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, map(_plain, row), strict=True)) for row in cursor.fetchall()]

    def empty(self) -> None:
        """Forget all rows and that anything was built."""
        for name in ("files", "unreadable_rows", "repaired_rows", *self._raw_tables):
            self._connection.execute(f"delete from raw.{name}")
        self._connection.execute("delete from last_build")

    def land(self, rows: Sequence[Row], files: Sequence[int]) -> None:
        """Load rows; `files` is the number of the file of each, in order of loading."""
        landed_at = LOADED_AT.replace(tzinfo=None)
        for load_id in sorted(set(files)):
            self._connection.execute(
                "insert into raw.files values (?, 'canonical', ?, ?, 0, ?, ?, null, null)",
                [
                    load_id,
                    f"{load_id}.csv",
                    f"{load_id:064x}",
                    landed_at,
                    sum(file == load_id for file in files),
                ],
            )
        lines = dict.fromkeys(files, 0)
        loaded = []
        for row, load_id in zip(rows, files, strict=True):
            lines[load_id] += 1
            columns = {column: row.get(column) or None for column in CANONICAL_COLUMNS}
            loaded.append({"_load_id": load_id, "_line": lines[load_id], **columns, "_extra": None})
        self._connection.register("loaded", pa.Table.from_pylist(loaded, schema=LOADED))
        self._connection.execute("insert into raw.canonical by name select * from loaded")


def compile_models(target: Path) -> Warehouse:
    """Have dbt compile the project into `target` and make a warehouse of what it compiled."""
    database = target / f"{DATABASE}.duckdb"
    full = _compile(target / "full", database)
    names = [node["alias"] for node in full.values() if _kind(node) != "view"]
    # Where there was a build before, dbt writes what follows it.
    with duckdb.connect(str(database)) as connection:
        connection.execute("create table last_build as select 0 as load_id")
        for name in names:
            connection.execute(f"create table {name} (placeholder integer)")
    following = _compile(target / "following", database)
    dependencies = {
        name: [one for one in node["depends_on"]["nodes"] if one in full]
        for name, node in full.items()
    }
    models = [
        Model(
            name=full[name]["alias"],
            kind=_kind(full[name]),
            sql=full[name]["compiled_code"],
            following_sql=following[name]["compiled_code"],
            rebuilt_for=full[name]["config"]["meta"].get("rebuilt_for", {}),
            needs=tuple(full[need]["alias"] for need in dependencies[name]),
        )
        for name in TopologicalSorter(dependencies).static_order()
    ]
    manifest = json.loads((target / "full" / "manifest.json").read_text())
    landing_tables = ("files", "unreadable_rows", "repaired_rows")
    raw_tables = {
        source["name"]: [name for name in source["columns"] if not name.startswith("_")]
        for source in manifest["sources"].values()
        if source["schema"] == "raw" and source["name"] not in landing_tables
    }
    return Warehouse(models, raw_tables)


def _compile(target: Path, database: Path) -> dict[str, dict]:
    """The compiled models by dbt's id, in a stable order."""
    with patch.dict(os.environ, {"COMEBACK_WAREHOUSE": str(database)}):
        result = dbtRunner().invoke(
            [
                *("--quiet", "compile"),
                *("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)),
                *("--target-path", str(target), "--log-path", str(target)),
                *("--vars", json.dumps(VARIABLES)),
            ]
        )
    # dbt would keep the file open for the life of the process
    DuckDBConnectionManager.close_all_connections()
    if not result.success:
        raise RuntimeError(f"dbt cannot compile {PROJECT}: {result.exception or result.result}")
    nodes = json.loads((target / "manifest.json").read_text())["nodes"]
    return {name: node for name, node in nodes.items() if node["resource_type"] == "model"}


def _kind(node: Mapping) -> str:
    kind = node["config"]["materialized"]
    if kind == "rebuilt" and not node["config"]["meta"].get("rebuilt_for"):
        return "table"
    return kind.removeprefix("standing_")


def _at_hour(sql: str, as_of: datetime) -> str:
    hour = as_of.astimezone(UTC).replace(tzinfo=None)
    return sql.replace(str(PLACEHOLDER_HOUR), str(hour))


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return value.normalize() if isinstance(value, Decimal) else value
