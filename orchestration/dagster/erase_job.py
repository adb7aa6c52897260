"""The job `erase`: a person out of everything that Comeback made, step by step, and the proof.

Belongs here: the order of the steps, each of which calls plain functions and reports numbers. Not
here: what is erased (`privacy.erasure`) or how it is looked for (`privacy.residue_search`).

Whom it is for never reaches Dagster, which keeps what it is given: the command line hands the
person to the run as a resource, in memory, and nothing is passed from step to step but that
resource.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import timedelta

import dagster as dg

from orchestration.dagster.run import RUN_KEY, Run
from orchestration.ground.errors import ComebackError
from orchestration.ground.hours import utc_now
from orchestration.landing.locations import known_sources, with_placeholders
from orchestration.outputs import export_files, hour_files, published_database
from orchestration.outputs.exports import membership
from orchestration.privacy import erasure, erasure_records, residue_search
from orchestration.privacy.erasure_records import Plan, Subject
from orchestration.warehouse import database, dbt_build, outcomes

ERASE_JOB = "erase"
ERASURE_KEY = "erasure"

_STEP = {
    "required_resource_keys": {RUN_KEY, ERASURE_KEY},
    "ins": {"after": dg.In(dg.Nothing)},
    "out": dg.Out(dg.Nothing),
}


@dataclass
class Erasure:
    """One erasure, from step to step of its run.

    Attributes:
        subject: whom it is for.
        plan: what was found of them.
        lines: the summary to print at the end.
    """

    subject: Subject
    plan: Plan = field(default_factory=Plan)
    lines: list[str] = field(default_factory=list)


@dg.resource(description="Whom to erase; given by the command line, in memory only.")
def no_subject(_: dg.InitResourceContext) -> Iterator[Erasure]:
    """What a run that was not started by the command line meets."""
    raise ComebackError(
        "nobody was named", "an erasure is not started here", "run: comeback erase --user ID"
    )


@dg.op(required_resource_keys={RUN_KEY, ERASURE_KEY}, out=dg.Out(dg.Nothing))
def set_tombstone(context: dg.OpExecutionContext) -> None:
    """See to it that no file brings the person back, from here on."""
    run, erasing = _run(context), _erasure(context)
    with run.open_warehouse() as connection:
        erasure.mark(connection, run.home, known_sources(run.home), erasing.subject, utc_now())
    erasing.plan = erasure_records.read_pending(run.home).joined(Plan.of(erasing.subject))


@dg.op(**_STEP)
def build_log(context: dg.OpExecutionContext) -> None:
    """Build the log over all that has landed: it knows which event was whose."""
    _build(_run(context), ["+events"])


@dg.op(**_STEP)
def remove_rows(context: dg.OpExecutionContext) -> None:
    """Find what was theirs, and delete it from what was delivered and from the scores."""
    run, erasing = _run(context), _erasure(context)
    sources = with_placeholders(known_sources(run.home), run.settings)
    is_repeated = bool(erasure_records.read_pending(run.home).ids)
    with run.open_warehouse() as connection:
        found = erasure.find(connection, sources, erasing.plan)
        if not (found.rows or is_repeated or erasure_records.was_erased(run.home, erasing.subject)):
            raise ComebackError(
                f"no row names this {erasing.subject.kind}",
                "all that has landed was searched",
                "check the id; a tombstone now keeps it out of files to come",
            )
        erasing.plan = erasing.plan.joined(found)
        erasure_records.write_pending(run.home, erasing.plan)
        published_database.forget_last(connection)
        membership.forget(connection, erasing.plan.users)
        erasure.remove(connection, run.home, sources, erasing.plan, utc_now())
    context.add_output_metadata({"rows": dict(erasing.plan.rows)})


@dg.op(**_STEP)
def rebuild(context: dg.OpExecutionContext) -> None:
    """Build every table from all rows, and put a fresh copy of the warehouse in its place."""
    run = _run(context)
    _build(run, [], full_refresh=True)
    erasure.replace_warehouse(run.home, run.settings)


@dg.op(**_STEP)
def rewrite_outputs(context: dg.OpExecutionContext) -> None:
    """Rewrite all exports that are kept, and the published file."""
    run = _run(context)
    with run.open_warehouse() as connection:
        newest = database.newest_scored_hour(connection, not_after=run.newest_possible_hour)
        hours = export_files.rewrite_all(
            run.home.exports,
            connection,
            keep_hours=run.settings.exports_keep_hours,
            scores_after=newest and newest - timedelta(days=run.settings.scores_keep_days),
            not_after=run.newest_possible_hour,
            beside=lambda hour: hour_files.prepare(connection, run.home, hour, run.settings),
        )
        outcomes.follow_log(connection, run.settings)
    with run.finishing(), run.open_warehouse() as connection:
        if run.home.published.exists():
            published_database.publish(
                connection, run.home.published, not_after=run.newest_possible_hour
            )
    context.add_output_metadata({"exported_hours": hours})


@dg.op(**_STEP)
def search_residue(context: dg.OpExecutionContext) -> None:
    """Search all that Comeback made for the ids, and write down what was done."""
    run, erasing = _run(context), _erasure(context)
    plan, now = erasing.plan, utc_now()
    with run.finishing():
        erasure.empty_folder(run.home.temporary)
        searched = residue_search.search(run.home, run.settings, plan.ids)
        files = sorted(_without_ids(name, plan) for name in plan.files)
        values = {
            "visitors": len(plan.visitors),
            "users": len(plan.users),
            "rows": dict(plan.rows),
            "files_that_named_them": files,
            "proof": asdict(searched),
            "verdict": "still found" if searched.found else "nothing found",
        }
        path = erasure_records.write_report(run.home, erasing.subject, values, now)
        if searched.found:
            raise ComebackError(
                f"erased, but still found in: {', '.join(searched.found)}",
                str(path),
                "delete what holds it there, then erase again",
            )
        erasure_records.drop_pending(run.home)
    context.add_output_metadata({"report": dg.MetadataValue.path(path)})
    erasing.lines = _summary(plan, files, searched, str(path))


@dg.job(
    name=ERASE_JOB,
    description="Erase a person and prove it; started by `comeback erase` only.",
)
def ERASE() -> None:  # noqa: N802  a job, as its neighbours are named
    """Each step after the one before."""
    done = set_tombstone()
    for step in (build_log, remove_rows, rebuild, rewrite_outputs, search_residue):
        done = step(done)


def _build(run: Run, select: list[str], *, full_refresh: bool = False) -> None:
    """Models only: a failing test is left to the next hour, it must keep nobody in the tables."""
    with run.open_warehouse() as connection:
        hour = database.newest_scored_hour(connection, not_after=run.newest_possible_hour)
    built = dbt_build.build(
        run.home,
        run.settings,
        as_of=hour,
        command="run",
        select=select,
        full_refresh=full_refresh,
    )
    built.require_success()


def _summary(
    plan: Plan, files: list[str], searched: residue_search.SearchResult, report: str
) -> list[str]:
    rows = ", ".join(f"{count:,} of {table}" for table, count in plan.rows.items())
    return [
        f"Erased     {len(plan.users)} users, {len(plan.visitors)} visitors",
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


def _without_ids(text: str, plan: Plan) -> str:
    for id_ in plan.ids:
        text = text.replace(id_, "***")
    return text


def _run(context: dg.OpExecutionContext) -> Run:
    return getattr(context.resources, RUN_KEY)


def _erasure(context: dg.OpExecutionContext) -> Erasure:
    return getattr(context.resources, ERASURE_KEY)
