"""A new warehouse in the place of one that is damaged or gone, out of what is kept elsewhere.

Dumps come from where they lie; the scores, plans, arms and segments of past hours, the runs and the
times at which files had landed from the published file; who was erased from the copy beside the
key; models were never in it; what was delivered to tools, and who did what, from the damaged file
where that can still be read. What the next hour builds is then what it would have built: a row is
checked against the time at which its file came first.

Belongs here: putting these together in a file beside the old one, which takes its place in one
step; the old one is put aside, never deleted. Not here: landing, or building tables.
"""

import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl

from orchestration.ground import encryption
from orchestration.ground.errors import ComebackError
from orchestration.ground.files import move_into_place, unfinished_path
from orchestration.ground.home import Home
from orchestration.ground.project import project_of
from orchestration.ground.segments import segments_in
from orchestration.ground.settings import Settings
from orchestration.landing import Source, ensure_raw_tables
from orchestration.landing.locations import (
    configured_locations,
    land_locations,
    remembered_locations,
    with_placeholders,
)
from orchestration.landing.tombstones import restore_copy
from orchestration.warehouse import database, rewriting, segment_history
from orchestration.warehouse.contact_tables import (
    CAMPAIGN_RESULTS,
    CONTACT_EFFECTS,
    CONTACT_LOG,
    CONTACT_PLANS,
    HOLDOUT_ARMS,
    SEGMENT_RESULTS,
    WITHHELD_CONTACTS,
)
from orchestration.warehouse.experiment_tables import EXPERIMENT_ARMS, EXPERIMENT_RESULTS
from orchestration.warehouse.score_tables import AUDIT_LOG
from orchestration.warehouse.segment_tables import SEGMENT_HISTORY, SEGMENT_SIZES

logger = logging.getLogger(__name__)

SHOWN_FILES = 5
# models are rewritten from their cards every hour, outcomes from the scores; results of weeks that
# are older than the kept scores stand nowhere else
_KEPT = (
    *(CONTACT_PLANS, HOLDOUT_ARMS, CONTACT_LOG, WITHHELD_CONTACTS, CONTACT_EFFECTS),
    *(CAMPAIGN_RESULTS, SEGMENT_RESULTS, EXPERIMENT_ARMS, EXPERIMENT_RESULTS),
    *(SEGMENT_HISTORY, SEGMENT_SIZES),
)
_KEPT_TABLES = ("cart_scores", "runs", *(each.name for each in _KEPT))
# nothing else has them
_LISTS = (("vault", "export_lists"), ("vault", "export_members"))
_AUDIT_LOG = ("scores", AUDIT_LOG.name)


def rebuild(home: Home, settings: Settings, sources: Mapping[str, Source]) -> None:
    """Make a new warehouse; the caller holds the run lock, and builds the tables afterwards.

    Killed at any point it leaves the old warehouse or the new one.

    Raises:
        ComebackError: files that had landed are not there any more (the new warehouse holds all
            others), or the tombstones of erased people are gone (nothing was changed), or the old
            warehouse lacks nothing but its key (nothing was changed).
    """
    database.require_its_key(home)
    fresh = unfinished_path(home.warehouse)
    noted = [each for each in remembered_locations(home) if not _is_gone(each.address)]
    locations = [*configured_locations(home, settings, sources), *noted]
    with database.connect(home, settings, fresh) as connection:
        ensure_raw_tables(connection, sources)
        database.ensure_score_tables(connection)
        restore_copy(connection, home.tombstones, home.erasure_key)
        has_former = _restore_scores(connection, home.published)
        segment_history.remember_hours(connection, segments_in(project_of(home)))
        _read_back(connection, home.warehouse)
        declared = with_placeholders(sources, settings)
        land_locations(
            connection,
            home,
            declared,
            locations,
            datetime.now(UTC),
            follow_symlinks=settings.follow_symlinks,
        )
        missing = _restore_landing(connection) if has_former else []
        database.checkpoint(connection, settings)
    _put_aside(home)
    move_into_place(fresh, home.warehouse)
    for each in rewriting.plain_copies(home):
        logger.warning("%s.", each)
    if missing:
        others = f" and {len(missing) - SHOWN_FILES} more" if len(missing) > SHOWN_FILES else ""
        raise ComebackError(
            f"dumps that had landed are not there any more ({len(missing)})",
            f"{', '.join(missing[:SHOWN_FILES])}{others}",
            "land them again (comeback land), or go on without them (comeback run)",
        )


def _restore_scores(connection: duckdb.DuckDBPyConnection, published: Path) -> bool:
    """Take over what only the published file still has; whether it could be read."""
    try:
        with database.attached(connection, published, "(read_only)"):
            there = connection.execute(
                "select table_name from duckdb_tables() where database_name = 'published'"
            ).fetchall()
            # an older version published no plans, no arms and no segments
            for name in (each for each in _KEPT_TABLES if (each,) in there):
                connection.execute(
                    f"insert into scores.{name} by name select * from published.main.{name}"
                )
            connection.execute("create temp table known_files as from published.main.landed_files")
    except duckdb.Error as error:
        logger.warning(
            "Scores of past hours cannot be had from %s (%s).",
            published,
            str(error).splitlines()[0],
        )
        return False
    database.take_over_holdout(connection)
    return True


def _read_back(connection: duckdb.DuckDBPyConnection, damaged: Path) -> None:
    """Take over what only the damaged file has; nothing is written to that.

    The lists of exports go together: rows without their list, or the reverse, would say that
    something else was delivered.
    """
    read: dict[tuple[str, str], pl.DataFrame] = {}
    lost = []
    try:
        with encryption.connect_read_only(damaged) as old:
            there = old.execute("select schema_name, table_name from duckdb_tables()").fetchall()
            # a file without any table is none of ours; a shop without exports has no lists
            lists = [each for each in _LISTS if each in there]
            lost = [*_LISTS, _AUDIT_LOG] if not there else [*_LISTS] if len(lists) == 1 else []
            for schema, table in (each for each in (*_LISTS, _AUDIT_LOG) if each in there):
                try:
                    read[schema, table] = old.sql(f"from {schema}.{table}").pl()
                except duckdb.Error:
                    lost.append((schema, table))
    except duckdb.Error:
        lost = [*_LISTS, _AUDIT_LOG]
    if any(each in lost for each in _LISTS):
        read = {each: rows for each, rows in read.items() if each not in _LISTS}
        logger.warning(
            "Whom the exports of past hours contacted cannot be had from %s: the next hour may put"
            " people on e-mail lists again who were on them within the cooldown. Hold the delivery"
            " of e-mail exports for that long.",
            damaged,
        )
    if _AUDIT_LOG in lost:
        logger.warning("Who did what with people's data cannot be had from %s.", damaged)
    for (schema, table), rows in read.items():
        connection.execute(f"create schema if not exists {schema}")
        connection.register("read_rows", rows)
        if (schema, table) == _AUDIT_LOG:
            connection.execute(f"insert into {schema}.{table} by name from read_rows")
        else:
            connection.execute(f"create table {schema}.{table} as from read_rows")
        connection.unregister("read_rows")


def _restore_landing(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Give files the names and times that they had landed under; those that did not come again."""
    connection.execute(
        "update raw.files set file = known.file, landed_at = known.landed_at"
        " from known_files as known"
        " where files.source = known.source and files.content_hash = known.content_hash"
    )
    missing = connection.execute(
        "select file from known_files anti join raw.files using (source, content_hash)"
        " order by load_id"
    ).fetchall()
    return [file for (file,) in missing]


def _is_gone(address: str) -> bool:
    return "://" not in address and not Path(address).exists()


def _put_aside(home: Home) -> None:
    """Keep the file, and its log of changes, under a name with the time."""
    damaged = home.warehouse
    if not damaged.exists():
        return
    aside = rewriting.aside(home, datetime.now(UTC))
    changes = damaged.with_name(f"{damaged.name}.wal")
    os.link(damaged, aside)
    if changes.exists():
        changes.rename(aside.with_name(f"{aside.name}.wal"))
    logger.info("The old warehouse is put aside as %s.", aside)
