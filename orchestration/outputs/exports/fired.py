"""Triggers in exports: for whom they fired, as members of lists of the ads.

Belongs here: which triggers an export takes, and the persons of an hour. Not here: when a trigger
fires (`dbt_project/models/triggers`), or which of these persons may be on a list (`gates`).
"""

from collections.abc import Collection
from datetime import datetime

import duckdb
import polars as pl

from orchestration.ground.errors import ComebackError
from orchestration.ground.settings_exports import ADS, Export
from orchestration.warehouse.database import has_table

NOBODY = {"person_id": pl.String, "fired_at": pl.Datetime("us")}


def taken(name: str, entry: Export, known: Collection[str], wrong: Collection[str]) -> list[str]:
    """Names of the triggers that an export takes.

    Args:
        name: of the export.
        entry: what the settings say of it.
        known: names of all triggers.
        wrong: names of those whose files are wrong: an export does without them.

    Raises:
        ComebackError: there is no such trigger, or the export is none for the ads.
    """
    where = f"[exports.{name}] triggers"
    if entry.triggers and not entry.is_ads:
        raise ComebackError(
            f"an export of the profile {entry.profile} takes no triggers",
            where,
            f"name them in one of {', '.join(ADS)}",
        )
    for trigger in entry.triggers:
        if trigger not in {*known, *wrong}:
            raise ComebackError(
                f"there is no trigger '{trigger}'", where, f"use one of: {', '.join(sorted(known))}"
            )
    return sorted({*entry.triggers}.intersection(known))


def fired_for(
    connection: duckdb.DuckDBPyConnection, names: Collection[str], hour: datetime, days: int
) -> pl.DataFrame:
    """For whom triggers fired within some days up to an hour: person_id, and fired_at, the last."""
    if not names or not has_table(connection, "main", "trigger_events"):
        return pl.DataFrame(schema=NOBODY)
    return connection.sql(
        """
        select person_id, max(fired_at) as fired_at
        from main.trigger_events
        where list_contains($names, trigger) and fired_at <= $hour
            and fired_at > $hour - to_days($days)
        group by person_id
        order by person_id
        """,
        params={"names": sorted(names), "hour": hour, "days": days},
    ).pl()
