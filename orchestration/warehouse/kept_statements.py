"""What dbt sends to build some models where nothing was built before, kept from one process to the
next.

Belongs here: having dbt build over an empty warehouse, taking down its statements, and sending them
again over one with rows. Not here: any SQL, and how dbt is run (`dbt_build`).

To read the project, to get dbt ready and to run it node by node takes longer than most of the SQL.
What it sends in a first build depends on the project and the settings alone, never on rows. So it
is asked once for each content of them; who then sends the same statements makes the same tables.
"""

import hashlib
import json
import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import duckdb

from orchestration.ground.checkout import DBT_PROJECT
from orchestration.ground.errors import ComebackError
from orchestration.ground.files import read_own, remove_unfinished, replace_file
from orchestration.ground.home import Home
from orchestration.ground.project import project_of
from orchestration.ground.settings import Settings, load_settings
from orchestration.landing import Source, ensure_raw_tables
from orchestration.landing.locations import known_sources
from orchestration.warehouse import database, dbt_build
from orchestration.warehouse.project_hashes import project_fingerprint

if TYPE_CHECKING:
    from dbt_common.events.base_types import EventMsg

logger = logging.getLogger(__name__)

# Words that begin a statement which changes tables; what asks or describes is not sent again.
_CHANGING = {"begin", "commit", "create", "insert", "delete", "update", "drop", "alter", "truncate"}
_FIRST_WORD = re.compile(r"\A(?:\s|--[^\n]*\n|/\*.*?\*/|;)*(\w+)", re.DOTALL)
_KEPT_FILES = 30

Statements = Sequence[tuple[str, str]]
"""The name of a node and a statement that it sent, in their order."""


def kept_folder(home: Home) -> Path:
    """Where the statements lie, SQL and settings and no data; what is missing is asked again.

    Those of the project that ships lie beside it and serve every home, if it can be written to.
    """
    if project_of(home) == DBT_PROJECT:
        shared = DBT_PROJECT / "target" / "statements"
        with suppress(OSError):
            shared.mkdir(parents=True, exist_ok=True)
        if os.access(shared, os.W_OK):
            return shared
    return home.dbt / "statements"


def statements_of(
    home: Home,
    settings: Settings,
    sources: dict[str, Source],
    with_rows: Sequence[str],
    select: Sequence[str],
    kept_in: Home,
) -> Statements:
    """What dbt sends for the first build of some models; dbt is asked unless it was before.

    Args:
        home: whose project; what dbt parses of it is kept there.
        settings: what the shop has set.
        sources: all sources, whose tables of landing the models read.
        with_rows: the sources of events that have rows.
        select: dbt's node selection.
        kept_in: the home that keeps them.

    Raises:
        ComebackError: dbt cannot build the project.
    """
    path = kept_folder(kept_in) / _kept_name(home, settings, with_rows, select)
    with suppress(ValueError):
        if content := read_own(path):
            return json.loads(content)
    statements = _asked(home, settings, sources, with_rows, select)
    with suppress(OSError):  # a folder that cannot be written to costs time only
        _keep(path, statements)
    return statements


@contextmanager
def asked_meanwhile(
    home: Home, settings: Settings, with_rows: Sequence[str], select: Sequence[str], kept_in: Home
) -> Iterator[Callable[[], None]]:
    """Have another process ask dbt what `statements_of` will be asked for, unless it is kept.

    It yields what waits for the answer. Where that process fails, `statements_of` asks itself, and
    says why it cannot. Arguments as `statements_of`.
    """
    path = kept_folder(kept_in) / _kept_name(home, settings, with_rows, select)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        yield lambda: None
        return
    if read_own(path):
        yield lambda: None
        return
    question = json.dumps([str(home.root), str(path), [*with_rows], [*select]])
    asking = subprocess.Popen(
        [sys.executable, "-m", __name__, question],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield lambda: _wait_for(asking)
    finally:
        asking.terminate()
        asking.wait()


def _wait_for(asking: "subprocess.Popen[bytes]") -> None:
    if asking.poll() is None:
        logger.info("Asking dbt for the SQL of the project.")
    if asking.wait():
        logger.debug("The process that asked dbt failed (exit %d).", asking.returncode)


def send(connection: duckdb.DuckDBPyConnection, statements: Statements) -> None:
    """Send statements in their order.

    Raises:
        ComebackError: one of them fails; it says in which model.
    """
    for name, statement in statements:
        try:
            connection.execute(statement)
        except duckdb.Error as error:
            message = " ".join(str(error).split())
            raise ComebackError(
                f"{name} failed ({message})",
                "in the SQL of the dbt project",
                "correct the data or the model, then try again",
            ) from error


def _kept_name(
    home: Home, settings: Settings, with_rows: Sequence[str], select: Sequence[str]
) -> str:
    project = project_of(home)
    variables = dbt_build.dbt_vars(settings, project=project)
    content = [
        project_fingerprint(project, variables),
        *(duckdb.__version__, [*with_rows], [*select]),
        hashlib.sha256(Path(__file__).read_bytes()).hexdigest(),
    ]
    return f"{hashlib.sha256(json.dumps(content).encode()).hexdigest()}.json"


def _keep(path: Path, statements: Statements) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_unfinished(path)  # of a process that was killed
    replace_file(path, json.dumps(statements).encode(), mode=0o600)
    for old in sorted(path.parent.glob("*.json"), key=_age)[:-_KEPT_FILES]:
        old.unlink(missing_ok=True)


def _asked(
    home: Home,
    settings: Settings,
    sources: dict[str, Source],
    with_rows: Sequence[str],
    select: Sequence[str],
) -> Statements:
    sent: list[tuple[str, str]] = []
    with TemporaryDirectory(prefix="comeback_statements_") as folder:
        # dbt names the database after the file in all its statements
        warehouse = Path(folder) / home.warehouse.name
        with database.connect(home, settings, warehouse) as connection:
            ensure_raw_tables(connection, sources)
            database.ensure_score_tables(connection)
        dbt_build.build(
            home,
            settings,
            as_of=None,
            command="run",
            select=select,
            with_rows=with_rows,
            warehouse=warehouse,
            callbacks=[_noting(sent)],
        ).require_success()
    return sent


def _noting(sent: list[tuple[str, str]]) -> "Callable[[EventMsg], None]":
    def note(message: "EventMsg") -> None:
        if message.info.name == "SQLQuery" and message.data.node_info.unique_id:
            first = _FIRST_WORD.match(message.data.sql)
            if first and first[1].lower() in _CHANGING:
                sent.append((message.data.node_info.node_name, message.data.sql))

    return note


def _age(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def _main() -> None:
    """The other process of `asked_meanwhile`."""
    # ended before it has the answer, it leaves no folder behind
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    root, path, with_rows, select = json.loads(sys.argv[1])
    home = Home(Path(root))
    settings = load_settings(home.root)
    _keep(Path(path), _asked(home, settings, known_sources(home), with_rows, select))


if __name__ == "__main__":
    _main()
