"""Whether the SQL of a segment can be run at all, found out at once and without dbt.

Belongs here: asking DuckDB to plan a segment's query over empty tables with the columns that the
yml files of the dbt project declare. Not here: asking it of a shop's data (`warehouse`). What
cannot be found out so, such as a macro of the project, is left to dbt.
"""

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import duckdb
import jinja2

from orchestration.ground.checkout import DBT_PROJECT
from orchestration.ground.sql import in_memory, quoted
from orchestration.ground.yml import parsed_yml

_LINE = re.compile(r"\n+LINE (\d+):.*", re.DOTALL)
# dbt's name of the type that DuckDB calls varchar is known to DuckDB, too
_ANY_HOUR = "timestamp '2026-01-01 00:00:00'"


class _CannotTell(Exception):  # noqa: N818  no failure
    """The query asks for something that only dbt knows."""


@functools.lru_cache(maxsize=1024)
def fault_of(sql: str) -> tuple[str, int | None] | None:
    """What is wrong with a segment's query, and in which line; None if nothing is known to be.

    Args:
        sql: the text of its file.
    """
    try:
        query = _rendered(sql)
    except jinja2.TemplateSyntaxError as error:
        return f"its template is wrong ({error.message})", error.lineno
    except (_CannotTell, jinja2.TemplateError):
        return None
    with in_memory() as connection:
        try:
            for name in {*_asked_for(query)}:
                connection.execute(_empty_table(name))
            found = connection.execute(f"describe select * from (\n{query}\n)").fetchall()
        except _CannotTell:
            return None
        except duckdb.Error as error:
            line = _LINE.search(str(error))
            what = " ".join(_LINE.sub("", str(error)).split())[:300]
            # the first line is ours, and the one after the last
            number = min(int(line[1]) - 1, query.count("\n") + 1) if line else None
            return f"its SQL is wrong ({what})", number
    types = {row[0]: row[1] for row in found}
    if "person_id" not in types:
        return f"its SQL gives no person_id but {', '.join(types)}"[:300], None
    if types["person_id"] != "VARCHAR":
        return f"its person_id is a {types['person_id']} and no text", None
    return None


def is_sql_word(name: str) -> bool:
    """Whether a name is a word of SQL that can be no name in a query without quotes."""
    return name in _sql_words()


@functools.cache
def _sql_words() -> frozenset[str]:
    query = "select keyword_name from duckdb_keywords() where keyword_category = 'reserved'"
    with in_memory() as connection:
        return frozenset(name for (name,) in connection.execute(query).fetchall())


def _rendered(sql: str) -> str:
    """The query with the names of tables, `model__name` and `source__schema__name`."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    environment.globals = {
        "ref": _reference,
        "source": lambda schema, name: f"source__{schema}__{name}",
        "as_of": lambda: _ANY_HOUR,
        "config": lambda *_, **__: "",
        "doc": _refuse,
        "var": _refuse,
    }
    return environment.from_string(sql).render()


def _reference(*name: object, **_: object) -> str:
    if len(name) != 1:
        raise _CannotTell
    return f"model__{name[0]}"


def _refuse(*_: object, **__: object) -> NoReturn:
    raise _CannotTell


def _asked_for(query: str) -> Iterator[str]:
    yield from re.findall(r"\b(?:model|source)__\w+", query)


@functools.cache
def _empty_table(name: str) -> str:
    """The statement that makes it."""
    kind, _, rest = name.partition("__")
    columns = _of_model(rest) if kind == "model" else _of_source(*rest.split("__", 1))
    if not columns or any(type_ is None for type_ in columns.values()):
        raise _CannotTell
    listed = ", ".join(f"{quoted(column)} {type_}" for column, type_ in columns.items())
    return f"create table {quoted(name)} ({listed})"


def _of_model(name: str) -> dict[str, str | None]:
    for path in (DBT_PROJECT / "models").rglob(f"{name}.sql"):
        for yml in sorted(path.parent.glob("*.yml")):
            for model in _declared(yml).get("models", []):
                if model["name"] == name:
                    return _columns(model)
    raise _CannotTell


def _of_source(schema: str, name: str) -> dict[str, str | None]:
    for yml in sorted((DBT_PROJECT / "models" / "people").glob("_*.yml")):
        for group in _declared(yml).get("sources", []):
            for table in group["tables"] if group["name"] == schema else ():
                if table["name"] == name:
                    return _columns(table)
    raise _CannotTell


def _columns(declared: dict) -> dict[str, str | None]:
    return {each["name"]: each.get("data_type") for each in declared.get("columns", [])}


@functools.cache
def _declared(yml: Path) -> dict:
    return parsed_yml(yml.read_text(encoding="utf-8")) or {}
