"""The project's own SQL, run on a log in a fraction of a second.

Belongs here: what dbt sends in a build (recording.py), sent again over an in-memory DuckDB that
holds a log, and the reading of the tables it makes. Does not belong here: what the tables ought to
hold, or any SQL that builds them.

The in-memory database is attached under the name that dbt rendered.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.landing import find_files, land, load_sources

from .cases import LOADED_AT, Row
from .dbt_runs import DATABASE, PLACEHOLDER_HOUR, PROJECT
from .recording import ENDED, NOTHING, UNENDED, Model, Recording
from .reference_rows import CANONICAL_COLUMNS

LOADED = pa.schema(
    [("_load_id", pa.int64()), ("_line", pa.int64())]
    + [(column, pa.string()) for column in (*CANONICAL_COLUMNS, "_extra")]
)
EVENT_COLUMNS = (
    "source, event_id, visitor_id, user_id, event_at, event_type, item_id, quantity, price,"
    " currency, order_id, order_value, item_category, item_brand, country"
)
CALENDAR = (
    "calendar_is_holiday, calendar_days_to_holiday, calendar_is_sale, calendar_sale_hours_left"
)
# Each select gives the columns of the table of the same name in reference_tables.py: a hashed id is
# replaced by the visitor and the start that it is a hash of.
SELECTS = {
    "events": f"select {EVENT_COLUMNS}, owner_id from events",
    "orders": """
        select orders.visitor_id, ordered_at, orders.order_id, orders.owner_id,
            sessions.started_at as session_started_at, carts.started_at as cart_started_at,
            orders.order_value, orders.currency, orders.order_value_base, refunded_value,
            orders.line_count, orders.item_quantity
        from orders left join sessions using (session_id) left join carts using (cart_id)""",
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
    "order_lines": """
        select visitor_id, ordered_at, order_id, line_number, item_id, quantity, unit_price,
            order_lines.currency, item_category
        from order_lines left join orders using (order_key, visitor_id)""",
    "order_items": """
        select order_id, ordered_at, order_items.visitor_id, carts.started_at as cart_started_at,
            item_id, item_category, quantity, unit_price, order_items.currency
        from order_items left join (select order_key, order_id, ordered_at from orders)
            using (order_key) left join (select cart_id, started_at from carts) as carts
            using (cart_id)""",
    "items": "from items",
    "training_snapshots": f"""
        select visitor_id, started_at as cart_started_at, as_of, snapshots.owner_id,
            snapshots.last_touched_at, session_ended_at, snapshots.cart_value, snapshots.currency,
            snapshots.cart_value_base, {CALENDAR}, converts_within_horizon
        from training_snapshots as snapshots left join carts using (cart_id, visitor_id)""",
    "scoring_snapshots": f"""
        select visitor_id, started_at as cart_started_at, as_of, snapshots.owner_id,
            snapshots.last_touched_at, session_ended_at, snapshots.cart_value, snapshots.currency,
            snapshots.cart_value_base, {CALENDAR}
        from scoring_snapshots as snapshots left join carts using (cart_id, visitor_id)""",
    "training_returns": f"""
        select visitor_id, started_at as session_started_at, returns.owner_id, returns.ended_at,
            {CALENDAR}, duration_hours, is_returned
        from training_returns as returns left join sessions using (session_id, visitor_id)""",
    "scoring_returns": f"""
        select visitor_id, started_at as cart_started_at, returns.owner_id, ended_at,
            {CALENDAR}, elapsed_hours
        from scoring_returns as returns left join carts using (cart_id, visitor_id)""",
}


Delivered = tuple[str, ...]


@dataclass(frozen=True)
class _Standing:
    """What was built last: of which delivery, for which hour, and which models."""

    delivery: str
    as_of: datetime
    names: set[str]


class Warehouse:
    """The tables that dbt makes of one log at a time, or of many logs that share no id."""

    def __init__(self, recording: Recording) -> None:
        """Make the tables of landing; no log is in them yet."""
        self._recording = recording
        self._models = recording.models
        self._of_an_hour = self._depending_on_the_hour()
        kept = [
            model.name
            for model in self._models
            if not model.is_view and (model.lasts or model.name not in self._of_an_hour)
        ]
        needed = self._needed(kept)
        self._lasting = [model for model in self._models if model.name in needed]
        self._temporary = {
            name
            for model in self._models
            for statement in chain(*model.statements.values())
            for name in re.findall(r'^\s*create\s+temp(?:orary)? table\s+"?(\w+)', statement)
        }
        self._is_kept = True
        self._standing: _Standing | None = None
        self._connection = _connect()
        self.empty()

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """For what orchestration does on the open warehouse after a build."""
        self._standing = None
        return self._connection

    @property
    def models(self) -> Sequence[Model]:
        """All models, in the order in which they are built."""
        return self._models

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
        landed_at: datetime = LOADED_AT,
        rates: Sequence[Delivered] | Mapping[int, Sequence[Delivered]] = (),
        sales: Sequence[Delivered] | Mapping[int, Sequence[Delivered]] = (),
    ) -> None:
        """Load the rows and build the models that `tables`, names in `SELECTS`, are read from.

        Of a log that stands, with nothing done to it since, only what another hour changes is
        built again: of the same rows the same statements make the same tables.

        `files` gives the number of the file of each row, in order of loading; default: one file.
        `rates` are rates of exchange, and `sales` those of the shop's calendar, which land last, or
        by the numbers of their files.
        """
        needed = self._needed(tables)
        delivery = repr((rows, files, landed_at, rates, sales))
        standing = self._standing
        if standing and standing.delivery == delivery and needed <= standing.names:
            if as_of != standing.as_of:
                self.move(as_of, tables)
                names = standing.names - (self._of_an_hour - needed)
                self._standing = _Standing(delivery, as_of, names)
            return
        self.empty()
        self.land(rows, files or [1] * len(rows), landed_at)
        last = max(files or [1])
        others = ((rates, self.land_rates), (sales, self.land_sales))
        for number, (delivered, land_them) in enumerate(others, start=1):
            by_file = delivered if isinstance(delivered, Mapping) else {last + number: delivered}
            for load_id, each in by_file.items():
                if each:
                    land_them(each, load_id, landed_at)
        self._run([model for model in self._models if model.name in needed], as_of)
        self._standing = _Standing(delivery, as_of, needed)

    def build_files(
        self,
        folder: Path | Mapping[str, Path],
        as_of: datetime,
        *,
        tables: Iterable[str] = SELECTS,
        source_name: str = "canonical",
        landed_at: datetime | None = None,
    ) -> None:
        """Land the files of a folder as dumps of a source, or of several by their sources, by
        default at the hour, and build what `tables` need."""
        self.empty()
        sources = load_sources(PROJECT / "models" / "staging")
        folders = folder if isinstance(folder, Mapping) else {source_name: folder}
        for name, each in folders.items():
            files = find_files(each, sources[name])
            landed = land(self._connection, files, sources[name], landed_at=landed_at or as_of)
            assert {file.status for file in landed} == {"loaded"}
        needed = self._needed(tables)
        self._run([model for model in self._models if model.name in needed], as_of)

    def move(self, as_of: datetime, tables: Iterable[str] = SELECTS) -> None:
        """Build again, of the models that `tables` are read from, those that depend on the hour."""
        needed = self.of_an_hour(tables)
        self._run([model for model in self._models if model.name in needed], as_of)

    def of_an_hour(self, tables: Iterable[str]) -> set[str]:
        """Of the models that `tables` are read from those that depend on the hour."""
        return self._needed(tables) & self._of_an_hour

    def follow(
        self,
        as_of: datetime,
        *,
        tables: Iterable[str] | None = None,
        dies_after: int | str | None = None,
    ) -> None:
        """Build as dbt does, where there was a build before as one that takes up what came since.

        Tables of an hour, and views that nothing else reads, are left to `finish`. Built is for
        `tables`, in every build of a log; default: all. It dies after a model, or so many of all.
        """
        if isinstance(dies_after, str):
            dies_after = self.lasting_names.index(dies_after) + 1
        models = self._lasting[:dies_after]
        if tables is not None:
            # the end of a build notes how far the log goes and who was rebuilt, and the next asks
            # which sessions and carts there were
            needed = self._needed([*tables, "sessions", "carts", *self._recording.finish[ENDED]])
            models = [model for model in models if model.name in needed]
        self._run(models, as_of, is_ended=dies_after is None)

    def finish(self, as_of: datetime) -> None:
        """Build what `follow` leaves out."""
        self._run([model for model in self._models if model not in self._lasting], as_of)

    def _run(self, models: Sequence[Model], as_of: datetime, *, is_ended: bool = False) -> None:
        """Send what dbt sends for the models, given what is there."""
        self._standing = None
        there = self._relations()
        was_ended = "last_build" in there
        names = {model.name for model in self._models}
        hour = str(as_of.astimezone(UTC).replace(tzinfo=None))
        found = ENDED if was_ended else UNENDED if there & names else NOTHING
        self._send(self._recording.begin[found], hour)
        for model in models:
            if model.name not in there:
                self._send(model.statements[NOTHING], hour)
            else:
                self._send(model.statements[ENDED if was_ended else UNENDED], hour)
        if is_ended:
            self._send(self._recording.finish[ENDED if was_ended else NOTHING], hour)
        # dbt's session ends, and with it what was made for it only
        for name in self._temporary:
            self._connection.execute(f"drop table if exists temp.{name}")

    def _send(self, statements: Sequence[str], hour: str) -> None:
        for statement in statements:
            self._connection.execute(statement.replace(str(PLACEHOLDER_HOUR), hour))

    def _relations(self) -> set[str]:
        found = self._connection.execute(f"""
            select table_name from duckdb_tables() where database_name = '{DATABASE}'
            union all
            select view_name from duckdb_views() where database_name = '{DATABASE}'
        """)
        return {name for (name,) in found.fetchall()}

    def _depending_on_the_hour(self) -> set[str]:
        found: set[str] = set()
        for model in self._models:
            is_of_an_hour = str(PLACEHOLDER_HOUR) in "".join(model.statements[NOTHING])
            if is_of_an_hour or found.intersection(model.needs):
                found.add(model.name)
        return found

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

    def tables(
        self, rows: Sequence[Row], as_of: datetime, tables: Iterable[str] = SELECTS
    ) -> dict[str, list[dict]]:
        """Build `tables` of a log and read them as reference_tables.py writes them."""
        self.build(rows, as_of, tables=tables)
        return {name: self.query(SELECTS[name]) for name in tables}

    def query(self, select: str) -> list[dict]:
        """The rows of a select; times in UTC, money and whole numbers exact."""
        cursor = self._connection.execute(select)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, map(_plain, row), strict=True)) for row in cursor.fetchall()]

    def keep(self, names: Iterable[str]) -> None:
        """Keep tables as they stand over the next build, in a database of the name `kept`."""
        self._is_kept = True
        self._connection.execute("detach database if exists kept; attach ':memory:' as kept")
        for name in names:
            self._connection.execute(f"create table kept.{name} as select * from {name}")

    def differing(self, names: Iterable[str]) -> list[str]:
        """The tables that are not, bit for bit, what was kept of them."""
        digest = "select count(*), sum(hash(row)) from (select row from {} as row)"
        return [
            name
            for name in names
            if self.query(digest.format(name)) != self.query(digest.format(f"kept.{name}"))
        ]

    def empty(self) -> None:
        """Forget all rows and that anything was built."""
        self._standing = None
        if not self._is_kept:  # a connection grows slower with every build
            self._connection.close()
            self._connection = _connect()
        self._is_kept = False
        self._connection.execute(f"""
            use memory;
            detach database if exists {DATABASE};
            attach ':memory:' as {DATABASE};
            use {DATABASE}""")
        for statement in self._recording.raw:
            self._connection.execute(statement)

    def land_rates(
        self, rates: Sequence[Delivered], load_id: int, landed_at: datetime = LOADED_AT
    ) -> None:
        """Load rates of exchange (date, currency, rate) as the file of that number."""
        self._note_file(load_id, "exchange_rates", f"rates-{load_id}.csv", len(rates), landed_at)
        for line, rate in enumerate(rates, start=1):
            self._connection.execute(
                "insert into raw.exchange_rates (_load_id, _line, date, currency, rate)"
                " values (?, ?, ?, ?, ?)",
                [load_id, line, *rate],
            )

    def land_sales(
        self, sales: Sequence[Delivered], load_id: int, landed_at: datetime = LOADED_AT
    ) -> None:
        """Load sales (from, to, name, country) as the file of that number."""
        self._note_file(load_id, "calendar", f"sales-{load_id}.csv", len(sales), landed_at)
        for line, sale in enumerate(sales, start=1):
            self._connection.execute(
                "insert into raw.calendar (_load_id, _line, starts_at, ends_at, name, country)"
                " values (?, ?, ?, ?, ?, ?)",
                [load_id, line, *(text or None for text in sale)],
            )

    def land(
        self, rows: Sequence[Row], files: Sequence[int], landed_at: datetime = LOADED_AT
    ) -> None:
        """Load rows; `files` is the number of the file of each, in order of loading."""
        for load_id in sorted(set(files)):
            count = sum(file == load_id for file in files)
            self._note_file(load_id, "canonical", f"{load_id}.csv", count, landed_at)
        lines = dict.fromkeys(files, 0)
        loaded = []
        for row, load_id in zip(rows, files, strict=True):
            lines[load_id] += 1
            columns = {column: row.get(column) or None for column in CANONICAL_COLUMNS}
            loaded.append({"_load_id": load_id, "_line": lines[load_id], **columns, "_extra": None})
        self._connection.register("loaded", pa.Table.from_pylist(loaded, schema=LOADED))
        self._connection.execute("insert into raw.canonical by name select * from loaded")

    def _note_file(
        self, load_id: int, source: str, file: str, rows_read: int, landed_at: datetime
    ) -> None:
        self._standing = None
        self._connection.execute(
            "insert into raw.files (load_id, source, file, content_hash, byte_size, landed_at,"
            " rows_read) values (?, ?, ?, ?, 0, ?, ?)",
            [load_id, source, file, f"{load_id:064x}", landed_at.replace(tzinfo=None), rows_read],
        )


def _connect() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("set TimeZone = 'UTC'")
    # as profiles.yml has it
    connection.execute("set asof_loop_join_threshold = 0")
    return connection


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return value.normalize() if isinstance(value, Decimal) else value
