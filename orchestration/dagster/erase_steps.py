"""The steps of an erasure, for the command that names one person and for what dumps ask for.

Belongs here: what each step does with a run, and doing all of them within an hour. Not here: the
job (`erase_job`), or what is erased (`privacy.erasure`) and how it is looked for
(`privacy.residue_search`).
"""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from orchestration.dagster.run import Run
from orchestration.ground.errors import ComebackError
from orchestration.ground.hours import hour_name, utc_now
from orchestration.ground.project import own_sources
from orchestration.landing.escapes import masked
from orchestration.landing.locations import known_sources, with_placeholders
from orchestration.outputs import export_files, hour_files, kept_files, published_database
from orchestration.outputs.exports import forgetting
from orchestration.outputs.exports.hourly import Prepared
from orchestration.people import requests, vault
from orchestration.people.known_at import know_people_at, refused_until
from orchestration.privacy import (
    erasure,
    erasure_records,
    rectified,
    residue_search,
    returned,
    run_history,
)
from orchestration.privacy.erasure_records import Plan, Subject
from orchestration.privacy.spellings import hashes_without_tags
from orchestration.warehouse import audit_log, database, outcomes, rewriting, segment_faults

logger = logging.getLogger(__name__)


@dataclass
class Erasure:
    """One erasure, from step to step of its run.

    Attributes:
        subjects: whom it is for.
        plan: what was found of them.
        lines: the summary to print at the end.
    """

    subjects: Sequence[Subject]
    plan: Plan = field(default_factory=Plan)
    lines: list[str] = field(default_factory=list)


def erase_requested(run: Run) -> int:
    """Erase everybody whom dumps of erasures ask to be, and prove it; an erasure that was killed is
    completed.

    Returns:
        How many asked, or were not completed. What is still found somewhere is a warning: the hour
        goes on, and the next erasure completes this one.
    """
    with run.open_warehouse() as connection:
        asked = [Subject(kind, id_) for kind, id_ in requests.pending(connection)]
    subjects = list(dict.fromkeys([*asked, *erasure_records.interrupted(run.home)]))
    if not subjects:
        return 0
    logger.info(
        "Erasing whom dumps of erasures ask for, or who was not completed: %d ids.", len(subjects)
    )
    erasing = Erasure(subjects)
    set_tombstones(run, erasing)
    build_log(run)
    remove_rows(run, erasing)
    rebuild(run)
    rewrite_exports(run, erasing)
    republish(run)
    try:
        prove(run, erasing)
    except ComebackError as error:
        logger.warning("%s", error)
    return len(subjects)


def leave_out_returned(run: Run) -> int:
    """Set aside the rows that landed of erased people and that no delivered id shows as theirs;
    how many."""
    key_file = run.home.erasure_key
    count, judged = 0, []
    with run.open_warehouse() as connection:
        # a run that was ended after it set rows aside left their bytes
        is_due = rewriting.is_due(connection)
        sources = with_placeholders(known_sources(run.home), run.settings)
        if landed := returned.landed_sources(connection, sources):
            count = returned.leave_out_mentions(connection, key_file, landed)
            own = own_sources(run.home)
            judged = returned.sources_to_judge(connection, key_file, landed, own)
    if judged:
        _build(run, [f"stg_{source.name}" for source in judged])
        with run.open_warehouse() as connection:
            count += returned.leave_out_erased(connection, key_file, judged, run.settings)
    if count:
        logger.info("Of people who were erased: %d rows, which are set aside.", count)
    if count or is_due:
        replace_warehouse(run)
    return count


def set_tombstones(run: Run, erasing: Erasure) -> None:
    """See to it that no file brings them back, from here on."""
    with run.open_warehouse() as connection:
        first, *others = erasing.subjects
        erasure.mark(connection, run.home, known_sources(run.home), first, utc_now(), *others)
    erasing.plan = erasure_records.read_pending(run.home).joined(Plan.of(*erasing.subjects))


def build_log(run: Run) -> None:
    """Build the log over all that has landed: it knows which event was whose."""
    _build(run, ["+events"])


def remove_rows(run: Run, erasing: Erasure) -> None:
    """Find what was theirs, and delete it from what was delivered and from the scores.

    Raises:
        ComebackError: no row names them, nor did any before.
    """
    sources = with_placeholders(known_sources(run.home), run.settings)
    is_repeated = bool(erasure_records.read_pending(run.home).ids)
    with run.open_warehouse() as connection:
        found = erasure.find(connection, sources, erasing.plan)
        was_erased = any(erasure_records.was_erased(run.home, each) for each in erasing.subjects)
        if not (found.rows or is_repeated or was_erased):
            raise ComebackError(
                f"no row names this {erasing.subjects[0].kind}",
                "all that has landed was searched",
                "check the id; a tombstone now keeps it out of files to come",
            )
        erasing.plan = erasing.plan.joined(found)
        erasure_records.write_pending(run.home, erasing.plan)
        published_database.forget_last(connection)
        hour_files.settle_pending(connection, run.home)
        key = run.home.erasure_key.read_bytes()
        forgetting.forget(connection, erasing.plan.users, key, erasing.plan.emails)
        erasure.remove(connection, run.home, sources, erasing.plan, utc_now())
        rectified.remove(connection, run.home, erasing.plan.users)
        vault.settle(connection, sources, run.settings)


def rebuild(run: Run) -> None:
    """Build every table from all rows, and put a fresh copy of the warehouse in its place."""
    _build(run, [], full_refresh=True)
    replace_warehouse(run)


def replace_warehouse(run: Run) -> None:
    """Put a fresh copy of the warehouse in its place, without the bytes of what was deleted."""
    erasure.replace_warehouse(run.home, run.settings)


def rewrite_exports(run: Run, erasing: Erasure) -> list[str]:
    """Rewrite all exports that are kept, the newest hour from what is known and the others without
    the lines of the erased; the hours."""
    plan = erasing.plan
    texts = [each for each in plan.texts if erasure.is_unmistakable(each)]
    texts += hashes_without_tags(plan.emails)
    with run.open_warehouse() as connection:
        last = kept_files.newest_hour(run.home.exports, run.newest_possible_hour)
        # more may have landed since: who had refused by then must not be in the files again
        newest = outcomes.followed_until(connection)

        def beside(hour: datetime) -> Prepared:
            if last is None or hour_name(hour) >= last:
                refused_by = refused_until(connection, hour, newest)
                know_people_at(connection, hour, refused_by)
                try:
                    return hour_files.prepare(connection, run.home, hour, run.settings, refused_by)
                except ComebackError as error:
                    # what somebody wrote into a file must keep nobody on a list
                    logger.warning("Of the newest hour, too, only lines are taken out: %s", error)
            return kept_files.without(run.home.exports / hour_name(hour), plan.ids, texts)

        scored = database.newest_scored_hour(connection, not_after=run.newest_possible_hour)
        hours = export_files.rewrite_all(
            run.home.exports,
            connection,
            keep_hours=run.settings.exports_keep_hours,
            scores_after=scored and scored - timedelta(days=run.settings.scores_keep_days),
            not_after=run.newest_possible_hour,
            beside=beside,
        )
        outcomes.follow_log(connection, run.settings)
    return hours


def republish(run: Run) -> None:
    """Publish again, if anything ever was."""
    with run.open_warehouse() as connection:
        if run.home.published.exists():
            published_database.publish(
                connection,
                run.home.published,
                not_after=run.newest_possible_hour,
                report=run.home.report,
                exports=run.home.exports,
            )


def prove(run: Run, erasing: Erasure) -> Path:
    """Search all that Comeback made for them, and write down what was done.

    Returns:
        The report, of several people that of the last.

    Raises:
        ComebackError: something of them is still found; what was done is kept all the same.
    """
    plan, now = erasing.plan, utc_now()
    erasure.empty_folder(run.home.temporary)
    carts = _carts_of_nobody(run, plan)
    run_history.forget_carts(run.home, carts)
    with database.released(run.home):
        searched = residue_search.search(run.home, run.settings, plan.texts, carts)
    files = sorted(masked(name, plan.texts) for name in plan.files)
    values = {
        **plan.counts,
        "rows": dict(plan.rows),
        "files_that_named_them": files,
        "proof": asdict(searched),
        "verdict": "still found" if searched.found else "nothing found",
    }
    paths = [
        erasure_records.write_report(run.home, subject, values, now) for subject in erasing.subjects
    ]
    with run.open_warehouse() as connection:
        audit_log.note(
            connection,
            "erase",
            now,
            people=len(erasing.subjects),
            rows=sum(plan.rows.values()),
            still_found=len(searched.found),
        )
    if searched.found:
        erasure_records.write_pending(run.home, plan, is_searched=True)
        raise ComebackError(
            f"erased, but still found in: {', '.join(searched.found)}",
            str(paths[-1]),
            "delete what holds it there, then erase again",
        )
    erasure_records.drop_pending(run.home)
    erasing.lines = _summary(plan, files, searched, str(paths[-1]))
    return paths[-1]


def _carts_of_nobody(run: Run, plan: Plan) -> frozenset[str]:
    """The carts of the erased, without one that what is left of a shared device makes again."""
    with run.open_warehouse() as connection:
        if not database.has_table(connection, "main", "carts"):
            return plan.carts
        rows = connection.execute("select cart_id from main.carts").fetchall()
    return plan.carts.difference(cart_id for (cart_id,) in rows)


def _build(run: Run, select: list[str], *, full_refresh: bool = False) -> None:
    """Models only: a failing test is left to the next hour, it must keep nobody in the tables."""
    with run.open_warehouse() as connection:
        hour = database.newest_scored_hour(connection, not_after=run.newest_possible_hour)
    built = segment_faults.build(
        run.home,
        run.settings,
        as_of=hour,
        command="run",
        select=select,
        exclude=(),
        full_refresh=full_refresh,
    )
    built.require_success()


def _summary(
    plan: Plan, files: list[str], searched: residue_search.SearchResult, report: str
) -> list[str]:
    rows = ", ".join(f"{count:,} of {table}" for table, count in plan.rows.items())
    return [
        f"Erased     {plan.counts['users']} users, {plan.counts['visitors']} visitors",
        f"Rows       {rows or 'none were left'}",
        *(
            f"Dump       {name} (named them; it is the shop's, and was not touched)"
            for name in files
        ),
        f"Searched   {searched.columns:,} columns, {searched.files:,} files,"
        f" {searched.bytes:,} bytes: nothing found",
        *(
            f"Note       {place}: the same text, not taken to mean them"
            for place in searched.ambiguous
        ),
        f"Report     {report}",
    ]
