"""All of a person's data, for the person.

Belongs here: gathering it. Not here: whose a row is; that is the rule of who is erased with whom
(`erasure.find`), so that what is shown is what an erasure would delete.
"""

import hashlib
import json
from collections.abc import Mapping

import duckdb
import polars as pl

from orchestration.ground.errors import ComebackError
from orchestration.ground.hours import utc_now
from orchestration.ground.sql import quoted
from orchestration.landing import Source
from orchestration.landing.raw_tables import ensure_raw_tables, raw_table
from orchestration.privacy import erasure
from orchestration.privacy.erasure_records import Plan, Subject
from orchestration.warehouse import audit_log
from orchestration.warehouse.database import has_table
from orchestration.warehouse.score_tables import CART_SCORES, SCORE_OUTCOMES

_OWN = (
    "(visitor_id in (select id from erased_visitors) or owner_id in (select id from erased_users))"
)
# by table that dbt builds, in SQL: whether a row is of the person
_BUILT = {
    "main.sessions": _OWN,
    "main.carts": _OWN,
    "main.cart_lines": f"cart_id in (select cart_id from main.carts where {_OWN})",
    "main.orders": _OWN,
    "main.people": erasure.IS_PERSON_ERASED,
    "main.order_lines": f"order_key in (select order_key from main.orders where {_OWN})",
    "main.order_items": f"order_key in (select order_key from main.orders where {_OWN})",
    "main.trigger_events": erasure.IS_PERSON_ERASED,
}
_EXPORTED = "vault.export_members"


def disclose(
    connection: duckdb.DuckDBPyConnection, sources: Mapping[str, Source], subject: Subject
) -> str:
    """What `person` gathers, with a row of it in the audit log.

    Raises:
        ComebackError: as `person`.
    """
    ensure_raw_tables(connection, sources)
    text = person(connection, sources, subject)
    digest = hashlib.sha256(f"{text}\n".encode()).hexdigest()
    audit_log.note(connection, "access", utc_now(), sha256=digest, people=1)
    return text


def person(
    connection: duckdb.DuckDBPyConnection, sources: Mapping[str, Source], subject: Subject
) -> str:
    """All that is held of a person, as one JSON object.

    Args:
        connection: the open warehouse; only temporary tables are made in it.
        sources: all sources, with the shop's words for nobody.
        subject: whose data.

    Returns:
        `ids` of the user's visitors; `delivered`, by source the rows with file and line, as they
        were delivered; then by table the rows of sessions, carts, orders and their lines and items,
        of triggers that fired, scores, plans of contacts, arms and outcomes, and of lists that were
        exported: by export the row as it was sent, since when it is listed and when it left.

    Raises:
        ComebackError: as `require_known`.
    """
    found = require_known(connection, sources, subject)
    delivered = {
        name: rows for name, source in sources.items() if (rows := _delivered(connection, source))
    }
    built = {
        name.split(".")[1]: _built(connection, name, is_theirs)
        for name, is_theirs in _conditions(connection).items()
    }
    values = {
        subject.kind: subject.id,
        "visitors": sorted(found.visitors),
        "delivered": delivered,
        **built,
    }
    return json.dumps(values, indent=2, ensure_ascii=False, default=str)


def require_known(
    connection: duckdb.DuckDBPyConnection, sources: Mapping[str, Source], subject: Subject
) -> Plan:
    """Find what a person's id concerns: see `erasure.find`.

    Raises:
        ComebackError: no row names the person, or nothing was built yet.
    """
    if not has_table(connection, "main", "candidate_events"):
        raise ComebackError(
            "nothing was built yet, so nobody knows which rows are whose",
            "the warehouse",
            "run first: comeback run",
        )
    found = erasure.find(connection, sources, Plan.of(subject))
    if not any(_has_delivered(connection, source) for source in sources.values()):
        raise ComebackError(
            f"no row names this {subject.kind}", "all that has landed was searched", "check the id"
        )
    return found


# SQL over a row of the table of a source, whose name is $source: whether it is the person's
_IS_THEIRS = f"""
    (delivered._load_id, delivered._line) in (
        select (load_id, line) from erased_rows where source = $source and is_named
        union all
        select (load_id, line) from main.candidate_events
        semi join erased_events using (source, event_id) where source = $source
        union all
        select (load_id, line) from main.candidate_events
        where source = $source and {erasure.IS_ROW_ERASED}
    )
"""


def _has_delivered(connection: duckdb.DuckDBPyConnection, source: Source) -> bool:
    query = f"select 1 from {raw_table(source)} as delivered where {_IS_THEIRS} limit 1"
    return connection.execute(query, {"source": source.name}).fetchall() != []


def _delivered(connection: duckdb.DuckDBPyConnection, source: Source) -> list[dict[str, object]]:
    """The person's rows of a source; not those of others that mention them."""
    columns = ", ".join(f"delivered.{quoted(name)}" for name in (*source.column_names, "_extra"))
    rows = connection.sql(
        f"""
        select files.file, delivered._line as line, {columns}
        from {raw_table(source)} as delivered
        inner join raw.files as files on delivered._load_id = files.load_id
        where {_IS_THEIRS}
        order by delivered._load_id, delivered._line
        """,
        params={"source": source.name},
    ).pl()
    return _without_nulls(rows)


def _conditions(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """By table that Comeback made, in SQL: whether a row is of the person."""
    scores = erasure.scores_erased(connection)
    of_scores = (
        f"(scored_at, cart_id) in (select (scored_at, cart_id) from scores.{CART_SCORES.name}"
        f" where {erasure.is_score_erased(connection)})"
    )
    return {
        **_BUILT,
        **scores,
        f"scores.{SCORE_OUTCOMES.name}": of_scores,
        # a list of suppressions knows nobody but by the address
        _EXPORTED: f"({erasure.IS_PERSON_ERASED} or person_id = identifier and email_key(person_id)"
        " in (select key from erased_addresses where kind = 'email'))",
    }


def _built(
    connection: duckdb.DuckDBPyConnection, table: str, is_theirs: str
) -> list[dict[str, object]]:
    if not has_table(connection, *table.split(".")):
        return []
    rows = connection.sql(f"select * from {table} where {is_theirs} order by all").pl()
    return _without_nulls(rows)


def _without_nulls(rows: pl.DataFrame) -> list[dict[str, object]]:
    return [
        {name: value for name, value in row.items() if value is not None}
        for row in rows.iter_rows(named=True)
    ]
