"""Checks that SQL tests cannot make; each stops what follows it when it fails.

Belongs here: comparing what one step wrote with what another one did. Not here: rules on a single
table; those are dbt tests beside it.
"""

from datetime import datetime
from typing import Any

import dagster as dg

from orchestration.dagster.run import RUN_KEY
from orchestration.dagster.run_records import REASON_TAG
from orchestration.dagster.shared import run_of
from orchestration.ground.hours import HOUR, from_partition_key, iso
from orchestration.modelling import model_versions, scoring, training
from orchestration.outputs import export_files, hour_files
from orchestration.warehouse import (
    database,
    lacking_rates,
    run_log,
    suspect_files,
    suspicious_ids,
    unread_amounts,
    volume,
)
from orchestration.warehouse.freshness import freshness
from orchestration.warehouse.score_tables import (
    AMOUNTS_WITHOUT_RATE,
    CART_SCORES,
    MODELS,
    SUSPICIOUS_IDS,
)

SHOWN_WARNINGS = 20


def asset_checks() -> list[dg.AssetChecksDefinition]:
    """The checks as Dagster runs them."""
    return [
        _rows_add_up(),
        _files_say_enough(),
        _ids_are_of_one(),
        _all_money_has_a_rate(),
        _log_is_recent(),
        _day_is_as_full_as_usual(),
        _models_are_whole(),
        _scores_are_sane(),
        _export_equals_table(),
        _pointer_is_fresh(),
    ]


def _rows_add_up() -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset="landed_files",
        blocking=True,
        description="Stops the hour if of a file rows read are not events + duplicates + dropped:"
        " rows were lost on the way, and no figure can be trusted.",
        required_resource_keys={RUN_KEY},
    )
    def rows_add_up(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        with run_of(context).open_warehouse() as connection:
            files = database.unsettled_files(connection)
        return dg.AssetCheckResult(passed=not files, metadata={"files": files})

    return rows_add_up


def _files_say_enough() -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset="landed_files",
        blocking=True,
        description="Stops the hour if a file says too little to be right (if it is meant so:"
        " `comeback accept`). A warning names files with many rows set aside, and with"
        " amounts that cannot be read.",
        required_resource_keys={RUN_KEY},
    )
    def files_say_enough(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        run = run_of(context)
        with run.open_warehouse() as connection:
            files = suspect_files.pending(connection)
            since = run_log.last_hour_ended(connection)
            warnings = suspect_files.warnings(connection, since)
            warnings += unread_amounts.warnings(connection, since, with_text=False)
        return outcome(
            context,
            suspect_files.reason_to_stop(files, with_rows=False),
            suspect=[each.summary for each in files],
            warnings=warnings[:SHOWN_WARNINGS],
        )

    return files_say_enough


def _ids_are_of_one() -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=SUSPICIOUS_IDS,
        description="A warning if an id ties more together than one person, order or event can be:"
        " carts and histories of several people may be mixed up.",
        required_resource_keys={RUN_KEY},
    )
    def ids_are_of_one(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        with run_of(context).open_warehouse() as connection:
            warnings = suspicious_ids.warnings(connection, with_ids=False)
        return outcome(context, None, warnings=warnings)

    return ids_are_of_one


def _all_money_has_a_rate() -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=AMOUNTS_WITHOUT_RATE,
        description="A warning if an amount is in a currency without a rate: it is in no sum and no"
        " gain.",
        required_resource_keys={RUN_KEY},
    )
    def all_money_has_a_rate(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        with run_of(context).open_warehouse() as connection:
            warnings = lacking_rates.warnings(connection)
        return outcome(context, None, warnings=warnings[:SHOWN_WARNINGS])

    return all_money_has_a_rate


def _log_is_recent() -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset="events",
        blocking=True,
        description="A warning if the newest event is older than stale_after_hours, a stop if it is"
        " older than stop_after_hours: what shoppers did since is not known.",
        required_resource_keys={RUN_KEY},
    )
    def log_is_recent(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        run = run_of(context)
        with run.open_warehouse() as connection:
            found = freshness(connection, checked_hour(context), run.settings)
        newest = iso(found.newest_event) if found.newest_event else ""
        warnings = [found.warning] if found.warning else []
        return outcome(
            context,
            found.reason_to_stop,
            newest_event=newest,
            age_hours=round(found.age / HOUR, 2) if found.age is not None else None,
            warns_after_hours=run.settings.stale_after_hours,
            stops_after_hours=run.settings.stop_after_hours,
            warnings=warnings,
        )

    return log_is_recent


def _day_is_as_full_as_usual() -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset="daily_funnel",
        description="A warning if on the newest whole day far fewer or more sessions began than is"
        " usual on that weekday: files are missing, or came twice under other ids.",
        required_resource_keys={RUN_KEY},
    )
    def day_is_as_full_as_usual(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        with run_of(context).open_warehouse() as connection:
            found = volume.volume(connection, checked_hour(context))
        return outcome(
            context,
            None,
            day=str(found.day or ""),
            sessions=found.sessions,
            usual=found.usual,
            warns_below=found.usual and round(found.usual * volume.LEAST),
            warns_above=found.usual and round(found.usual * volume.MOST),
            warnings=[found.warning] if found.warning else [],
        )

    return day_is_as_full_as_usual


def outcome(
    context: dg.AssetCheckExecutionContext, reason: str | None, **metadata: Any
) -> dg.AssetCheckResult:
    """A check that stops the hour for a reason; without one it passes, or warns if `warnings` do.

    The reason is noted with the run, where the command line and the tables find it.
    """
    if reason is not None:
        run_of(context).note(reason=reason)
        context.instance.add_run_tags(context.run.run_id, {REASON_TAG: reason})
    warnings = metadata["warnings"]
    return dg.AssetCheckResult(
        passed=reason is None and not warnings,
        severity=dg.AssetCheckSeverity.ERROR if reason else dg.AssetCheckSeverity.WARN,
        description=reason or "; ".join(warnings) or None,
        metadata=metadata,
    )


def _models_are_whole() -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=MODELS.name,
        description="A warning if a file of the models that the hour's scores come from is damaged:"
        " the last good version serves.",
        required_resource_keys={RUN_KEY},
    )
    def models_are_whole(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        faults = model_versions.faults(run_of(context).model_store, checked_hour(context))
        return outcome(context, None, warnings=faults)

    return models_are_whole


def _scores_are_sane() -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=CART_SCORES.name,
        blocking=True,
        description="Stops the hour if a probability is none or falls with time, ranks have a gap,"
        " or a learned model gives one chance to all. That a fallback does is a warning.",
        required_resource_keys={RUN_KEY},
    )
    def scores_are_sane(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        run, hour = run_of(context), checked_hour(context)
        with run.open_warehouse() as connection:
            query = "select * from scores.cart_scores where scored_at = ?"
            scores = connection.sql(query, params=[hour]).pl()
        card = training.champion(run.model_store, training.ABANDONMENT, hour).card
        is_learned = not card.is_fallback
        faults = scoring.faults_of_scores(scores, is_learned=is_learned)
        reason = f"the scores cannot be right ({'; '.join(faults)})" if faults else None
        is_constant = scoring.is_constant(scores, is_learned=is_learned)
        warnings = [scoring.CONSTANT_NOTE] if is_constant else []
        return outcome(context, reason, faults=faults, warnings=warnings)

    return scores_are_sane


def _export_equals_table() -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset="retargeting_export",
        blocking=True,
        description="Stops the hour if the exported file differs from the table or its manifest: a"
        " tool would import something else than what was decided.",
        required_resource_keys={RUN_KEY},
    )
    def export_equals_table(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        run, hour = run_of(context), checked_hour(context)
        with run.open_warehouse() as connection:
            rows = export_files.read_rows(connection, hour)
        faults = export_files.faults_of_export(run.home.exports, hour, rows)
        return dg.AssetCheckResult(passed=not faults, metadata={"faults": faults})

    return export_equals_table


def _pointer_is_fresh() -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset="retargeting_export",
        description="A warning if latest.json does not lead to the newest scored hour: tools"
        " that follow it would import old files.",
        required_resource_keys={RUN_KEY},
    )
    def pointer_is_fresh(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        run = run_of(context)
        with run.open_warehouse() as connection:
            newest = database.newest_scored_hour(connection, not_after=run.newest_possible_hour)
        warnings = hour_files.faults_of_pointer(run.home.exports, newest) if newest else []
        return outcome(context, None, newest_hour=iso(newest) if newest else "", warnings=warnings)

    return pointer_is_fresh


def checked_hour(context: dg.AssetCheckExecutionContext) -> datetime:
    """The hour that a check is made for, UTC."""
    return from_partition_key(context.run.tags["dagster/partition"])
