"""The project's own SQL, run on a log in a fraction of a second.

Belongs here: dbt's compiled models, put into an in-memory DuckDB and run in dbt's order, and the
reading of the tables they make. Does not belong here: what the tables ought to hold.

dbt needs seconds, a log needs milliseconds: so dbt compiles once, and the compiled selects are
what every log is put through. The in-memory database is attached under the name that dbt rendered.
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
from dbt.cli.main import dbtRunner

from .cases import LOADED_AT, Row
from .reference import CANONICAL_COLUMNS

PROJECT = Path(__file__).parents[2] / "dbt_project"
DATABASE = "warehouse"
# An hour that no log contains: where its text stands in the compiled SQL, the log's hour belongs.
PLACEHOLDER_HOUR = datetime(1987, 6, 5, 4)

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
        from cart_lines left join carts using (cart_id)""",
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
    """A compiled model: its relation's name and kind, its select, the models it stands on."""

    name: str
    kind: str
    sql: str
    needs: tuple[str, ...]


class Warehouse:
    """The compiled models over raw tables that hold one log at a time."""

    def __init__(self, models: Sequence[Model], raw_tables: Mapping[str, Sequence[str]]) -> None:
        """Make the raw tables (name to columns of text) and the views; no log is in them yet."""
        self._models = models
        self._raw_tables = raw_tables
        self._connection = duckdb.connect(config={"threads": 1})
        self._connection.execute(f"attach ':memory:' as {DATABASE}")
        self._connection.execute(f"use {DATABASE}")
        self._connection.execute("set TimeZone = 'UTC'")
        self._connection.execute("create schema raw")
        self._connection.execute("""
            create table raw.files (
                load_id bigint, source varchar, file varchar, content_hash varchar,
                byte_size bigint, landed_at timestamp, rows_read bigint, note varchar
            )""")
        for name in ("unreadable_rows", "repaired_rows"):
            self._connection.execute(f"""
                create table raw.{name} (
                    load_id bigint, line bigint, reason varchar, detail varchar, raw_row varchar
                )""")
        for name, columns in raw_tables.items():
            typed = "".join(f'"{column}" varchar, ' for column in columns)
            self._connection.execute(
                f"create table raw.{name} (_load_id bigint, _line bigint, {typed} _extra varchar)"
            )

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
        self._load(rows, files or [1] * len(rows))
        hour = as_of.astimezone(UTC).replace(tzinfo=None)
        needed = self._needed(tables)
        for model in self._models:
            if model.name in needed:
                self._connection.execute(
                    f"create or replace {model.kind} {model.name} as"
                    f" ({model.sql.replace(str(PLACEHOLDER_HOUR), str(hour))}\n)"
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

    def _load(self, rows: Sequence[Row], files: Sequence[int]) -> None:
        for name in ("files", "unreadable_rows", "repaired_rows", *self._raw_tables):
            self._connection.execute(f"delete from raw.{name}")
        landed_at = LOADED_AT.replace(tzinfo=None)
        for load_id in sorted(set(files)):
            self._connection.execute(
                "insert into raw.files values (?, 'canonical', ?, ?, 0, ?, ?, null)",
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
    environment = {"COMEBACK_WAREHOUSE": str(target / f"{DATABASE}.duckdb")}
    with patch.dict(os.environ, environment):
        result = dbtRunner().invoke(
            [
                *("--quiet", "compile"),
                *("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)),
                *("--target-path", str(target), "--log-path", str(target)),
                *("--vars", json.dumps({"as_of": PLACEHOLDER_HOUR.isoformat()})),
            ]
        )
    if not result.success:
        raise RuntimeError(f"dbt cannot compile {PROJECT}: {result.exception or result.result}")
    manifest = json.loads((target / "manifest.json").read_text())
    nodes = {
        name: node for name, node in manifest["nodes"].items() if node["resource_type"] == "model"
    }
    dependencies = {
        name: [one for one in node["depends_on"]["nodes"] if one in nodes]
        for name, node in nodes.items()
    }
    models = [
        Model(
            name=nodes[name]["alias"],
            kind="view" if nodes[name]["config"]["materialized"] == "view" else "table",
            sql=nodes[name]["compiled_code"],
            needs=tuple(nodes[need]["alias"] for need in dependencies[name]),
        )
        for name in TopologicalSorter(dependencies).static_order()
        if nodes[name]["config"]["materialized"] != "ephemeral"
    ]
    landing_tables = ("files", "unreadable_rows", "repaired_rows")
    raw_tables = {
        source["name"]: [name for name in source["columns"] if not name.startswith("_")]
        for source in manifest["sources"].values()
        if source["schema"] == "raw" and source["name"] not in landing_tables
    }
    return Warehouse(models, raw_tables)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return value.normalize() if isinstance(value, Decimal) else value
