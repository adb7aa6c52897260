"""Trying a run over dumps in a folder of its own, which is thrown away.

Belongs here: the folder, and what lands and is built in it. Not here: any rule: the dumps go
through the same landing and the same SQL as in a run, so that what is said of them, and what a run
then does, cannot differ.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from orchestration.ground.address_rules import RULES_FILE
from orchestration.ground.home import Home
from orchestration.ground.settings import FILE_NAME, Settings
from orchestration.landing import Source, ensure_raw_tables
from orchestration.landing.locations import Location, land_locations
from orchestration.landing.tombstones import restore_copy
from orchestration.people import vault
from orchestration.warehouse import database
from orchestration.warehouse.dbt_manifest import copy_parsed
from orchestration.warehouse.kept_statements import asked_meanwhile, send, statements_of
from orchestration.warehouse.reference_tables import ensure_reference_tables

# Each with all that it is built from. By its file: the name alone may be that of a folder, too, of
# which all would be built.
_BUILT = tuple(
    f"+file:{name}.sql"
    for name in (
        *("landed_files", "set_aside_rows", "suspicious_ids", "sessions", "carts", "orders"),
        *("untyped_addresses", "sales"),
    )
)


@contextmanager
def tried(
    home: Home,
    settings: Settings,
    sources: dict[str, Source],
    source: Source,
    addresses: Sequence[str],
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in which dumps have landed and what they say of sessions and carts is built.

    dbt is asked for its SQL by another process while the dumps land.

    Args:
        home: whose own sources, rules of addresses and tombstones count.
        settings: its settings.
        sources: all sources by name.
        source: whose dumps they are, with what the settings say of its ids.
        addresses: files, folders or addresses.

    Raises:
        ComebackError: a file or a model cannot be read.
    """
    known = {**sources, source.name: source}
    with (
        _trial(home) as trial,
        asked_meanwhile(trial, settings, [source.name], _BUILT, home) as answered,
        database.connect(trial, settings) as connection,
    ):
        ensure_raw_tables(connection, sources)
        database.ensure_score_tables(connection)
        ensure_reference_tables(connection)
        restore_copy(connection, trial.tombstones, trial.erasure_key)
        land_locations(
            connection,
            trial,
            known,
            [Location(address, source.name) for address in addresses],
            datetime.now(UTC),
            follow_symlinks=settings.follow_symlinks,
            is_trial=True,
        )
        vault.settle(connection, known, settings)
        with_rows = database.delivered_sources(connection)
        answered()
        send(connection, statements_of(trial, settings, sources, with_rows, _BUILT, home))
        yield connection


@contextmanager
def _trial(home: Home) -> Iterator[Home]:
    """A home that knows what the other knows, and has none of its data."""
    with TemporaryDirectory(prefix="comeback_inspect_") as folder:
        trial = Home(Path(folder).resolve())
        trial.prepare()
        for name in (FILE_NAME, RULES_FILE):
            if (home.root / name).exists():
                shutil.copy(home.root / name, trial.root)
        for mine, its in ((home.sources, trial.sources), (home.erasures, trial.erasures)):
            if mine.exists():
                shutil.copytree(mine, its)
        copy_parsed(home.dbt, trial.dbt)
        yield trial
