"""Whether the SQL of a segment can be run at all, found out at once and without dbt.

Belongs here: asking DuckDB to plan a segment's query over empty tables with the columns that the
yml files of the dbt project declare. Not here: asking it of a shop's data (`warehouse`). What
cannot be found out so, such as a macro of the project, is left to dbt.
"""

import difflib
import functools
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import duckdb
import jinja2
import jinja2.meta
import jinja2.nodes
import jinja2.sandbox
from jinja2.defaults import DEFAULT_NAMESPACE

from orchestration.ground.checkout import DBT_PROJECT
from orchestration.ground.segments import unfit_config
from orchestration.ground.sql import in_memory, quoted
from orchestration.ground.yml import parsed_yml

_LINE = re.compile(r"\n+LINE (\d+):.*", re.DOTALL)
# dbt's name of the type that DuckDB calls varchar is known to DuckDB, too
_ANY_HOUR = "timestamp '2026-01-01 00:00:00'"
# what a template may ask for and be the same at every hour, but for the hour
_PLAIN = re.compile(
    r"""\{\#.*?\#\}
    |\{\{-?\s*(?:
        as_of\(\s*\)
        |(?:ref|source)\(\s*(?:'\w+'|"\w+")(?:\s*,\s*(?:'\w+'|"\w+"))?\s*\)
    )\s*-?\}\}""",
    re.DOTALL | re.VERBOSE,
)
# what SQL asks of the run and not of the hour, outside of comments, texts and quoted names
_NO_SQL = re.compile(
    r"""--[^\n]* | /\*.*?\*/ | \{\#.*?\#\} | '(?:[^']|'')*' | "(?:[^"]|"")*" """,
    re.DOTALL | re.VERBOSE,
)
_OF_THE_RUN = re.compile(
    r"""\b(?:
        (?:now|today|random|uuid|uuidv4|uuidv7|gen_random_uuid|get_current_timestamp
            |get_current_time|transaction_timestamp|current_localtime|current_localtimestamp
        )\s*\(\s*\)
        |(?<!\.)(?:current_date|current_timestamp|current_time|localtimestamp|localtime)
        |using\s+sample|tablesample
    )(?!\w)""",
    re.IGNORECASE | re.VERBOSE,
)
_NO_TABLE = re.compile(r'(Table with name "?(\w+)"? does not exist!).*')
# what else dbt gives a template
_DBT_TAGS = ("jinja2.ext.do", "jinja2.ext.loopcontrols")
_DBT_FILTERS = ("as_bool", "as_native", "as_number", "as_text", "is_list")
_DBT_WORDS = frozenset(
    (
        *("adapter", "api", "builtins", "column_name", "dbt", "dbt_version", "dispatch", "env_var"),
        *("exceptions", "execute", "flags", "fromjson", "fromyaml", "graph", "invocation_id"),
        *("load_result", "local_md5", "log", "modules", "model", "print", "project_name", "render"),
        *("return", "run_query", "run_started_at", "schema", "selected_resources", "set"),
        *("set_strict", "statement", "target", "this", "thread_id", "tojson", "toyaml", "zip"),
        "zip_strict",
    )
)


class _CannotTell(Exception):  # noqa: N818  no failure
    """The query asks for something that only dbt knows."""


class _Unfit(Exception):  # noqa: N818  it is caught here
    """The query asks dbt, in a word, for what a segment cannot have."""

    def __init__(self, what: str, word: str) -> None:
        super().__init__(what)
        self.word = word


@functools.lru_cache(maxsize=1024)
def fault_of(sql: str, own: frozenset[str] | None = None) -> tuple[str, int | None] | None:
    """What is wrong with a segment's query, and in which line; None if nothing is known to be.

    Args:
        sql: the text of its file.
        own: names of the shop's own segments and sources, which it may read, too; None if they are
            not known.
    """
    if not sql.strip():
        return "its SQL is empty", 1
    try:
        query = _rendered(sql)
    except jinja2.TemplateSyntaxError as error:
        return f"its template is wrong ({error.message})", error.lineno
    except _Unfit as error:
        return str(error), _line_of(sql, error.word)
    except Exception:  # noqa: BLE001  a template may come upon anything; dbt will say upon what
        return None
    for name in re.findall(r"\bmodel__(\w+)", query) if own is not None else ():
        if name not in own and name not in shipped_models():
            return f"there is no table '{name}'{_meant(name, own)}", _line_of(sql, name)
    with in_memory() as connection:
        try:
            for name in {*_asked_for(query)}:
                connection.execute(_empty_table(name))
            found = connection.execute(f"describe select * from (\n{query}\n)").fetchall()
        except _CannotTell:
            return None
        except duckdb.Error as error:
            line = _LINE.search(str(error))
            what = " ".join(_LINE.sub("", str(error)).split())[:300].replace("model__", "")
            # the first line is ours, and the one after the last
            number = min(int(line[1]) - 1, query.count("\n") + 1) if line else None
            shown = _NO_TABLE.sub(r"\1", what)
            return f"its SQL is wrong ({shown}){_hint(what, sql)}", number
    types = {row[0]: row[1] for row in found}
    if "person_id" not in types:
        return f"its SQL gives no person_id but {', '.join(types)}"[:300], None
    if types["person_id"] != "VARCHAR":
        return f"its person_id is a {types['person_id']} and no text", None
    return None


def word_of_the_run(sql: str) -> str | None:
    """What a query asks for that another run of the same hour has otherwise: the clock, or chance;
    None if it asks for neither."""
    found = _OF_THE_RUN.search(_NO_SQL.sub(" ", sql))
    return found[0].lower() if found else None


def _hint(error: str, sql: str) -> str:
    """What to write instead, where an error of DuckDB does not say it."""
    if table := _NO_TABLE.search(error):
        near = difflib.get_close_matches(table[2], sorted(shipped_models()), n=1)
        return f": name it as {{{{ ref('{near[0] if near else 'people'}') }}}}"
    if "with name as_of does not exist" in error or re.search(r"\{\{-?\s*as_of\s*-?\}\}", sql):
        return ": write the hour as {{ as_of() }}"
    return ": leave out the semicolon" if 'near ";"' in error else ""


def is_sql_word(name: str) -> bool:
    """Whether a name is a word of SQL that can be no name in a query without quotes."""
    return name in _sql_words()


@functools.cache
def _sql_words() -> frozenset[str]:
    query = "select keyword_name from duckdb_keywords() where keyword_category = 'reserved'"
    with in_memory() as connection:
        return frozenset(name for (name,) in connection.execute(query).fetchall())


@functools.lru_cache(maxsize=1024)
def tables_in(sql: str) -> frozenset[str]:
    """Names of the models that a query asks for; of one that only dbt can make into SQL, those that
    are written out."""
    environment, found = _environment(), set[str]()

    def noted(*name: object, **_: object) -> str:
        found.add(str(name[-1]))
        return f"model__{name[-1]}"

    environment.globals["ref"] = noted
    try:
        environment.from_string(sql).render()
    except jinja2.TemplateSyntaxError:
        return frozenset()
    except Exception:  # noqa: BLE001  as in `fault_of`
        found.update(_written_out(environment.parse(sql)))
    return frozenset(found)


def _written_out(template: jinja2.nodes.Template) -> Iterator[str]:
    for call in template.find_all(jinja2.nodes.Call):
        # `builtins.ref` is one, too; the last argument is the name, one before it the package
        asked = getattr(call.node, "name", getattr(call.node, "attr", None))
        if asked == "ref" and call.args and isinstance(call.args[-1], jinja2.nodes.Const):
            yield str(call.args[-1].value)


def is_like_at_every_hour(sql: str) -> bool:
    """Whether a query's template names tables and writes out the hour, and does nothing else: at
    another hour it is the same SQL with that hour in it."""
    rest = _PLAIN.sub(" ", sql)
    return not any(mark in rest for mark in ("{{", "{%", "{#"))


def unknown_in(sql: str) -> list[str]:
    """What a query's template asks for that neither dbt's and Jinja's words nor the project's
    macros are, in order: of one that failed, the names that are to blame."""
    environment = _environment()
    asked = jinja2.meta.find_undeclared_variables(environment.parse(sql))
    return sorted(asked - {*environment.globals, *DEFAULT_NAMESPACE} - _DBT_WORDS - _macros())


@functools.cache
def _macros() -> frozenset[str]:
    texts = (path.read_text(encoding="utf-8") for path in (DBT_PROJECT / "macros").rglob("*.sql"))
    return frozenset(name for text in texts for name in re.findall(r"macro\s+(\w+)\s*\(", text))


@functools.cache
def shipped_models() -> frozenset[str]:
    """Names of all models that Comeback brings, segments too."""
    return frozenset(path.stem for path in (DBT_PROJECT / "models").rglob("*.sql"))


def _meant(name: str, own: frozenset[str]) -> str:
    near = difflib.get_close_matches(name, sorted(own | shipped_models()), n=1)
    return f" (is '{near[0]}' meant?)" if near else ""


def _line_of(sql: str, name: str) -> int | None:
    found = (number for number, line in enumerate(sql.splitlines(), 1) if name in line)
    return next(found, None)


def _rendered(sql: str) -> str:
    """The query with the names of tables, `model__name` and `source__schema__name`."""
    return _environment().from_string(sql).render()


def _environment() -> jinja2.Environment:
    # as dbt's: what an analyst writes asks for tables, and runs nothing in this process
    environment = jinja2.sandbox.SandboxedEnvironment(
        undefined=jinja2.StrictUndefined, extensions=_DBT_TAGS
    )
    environment.filters |= dict.fromkeys(_DBT_FILTERS, lambda value: value)
    environment.globals = {
        "ref": _reference,
        "source": lambda schema, name: f"source__{schema}__{name}",
        "as_of": lambda: _ANY_HOUR,
        "config": _configure,
        "doc": _refuse,
        "env_var": _from_environment,
        "var": _refuse,
    }
    return environment


def _reference(*name: object, **_: object) -> str:
    if len(name) != 1:
        raise _CannotTell
    return f"model__{name[0]}"


def _configure(*given: object, **named: object) -> str:
    settings = {
        key: value for each in given if isinstance(each, dict) for key, value in each.items()
    }
    if what := unfit_config(settings | named):
        raise _Unfit(what, "config")
    return ""


def _from_environment(name: str, *default: object) -> object:
    if name not in os.environ and not default:
        raise _Unfit(f"there is no {name} in the environment", name)
    return os.environ.get(name, *default)


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
