"""The command `comeback`: reads its arguments, runs Dagster jobs here, prints the outcome.

Belongs here: progress and exit codes (0 done, 1 failed, 2 wrong usage, also by a file of the shop's
own that stopped nothing else, 130 interrupted, be it by Ctrl-C or SIGTERM). Not here: the arguments
(`arguments`), or work; a command is a run of the jobs that the schedule runs. Dagster, dbt and the
models are imported when a command needs them: `--help` answers at once.
"""

import argparse
import atexit
import gc
import json
import logging
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Sequence

from orchestration import terminal
from orchestration.arguments import parser as arguments_parser
from orchestration.arguments import require_there
from orchestration.ground.errors import ComebackError, WrongUsage
from orchestration.ground.failures import explained, is_interruption
from orchestration.ground.home import Home
from orchestration.ground.hours import hours_between, last_full_hour, utc_now
from orchestration.ground.progress import progress

logger = logging.getLogger("orchestration.cli")

INTERRUPTED = 130


def program() -> None:
    """The program `comeback`: `main` in a process that ends with it."""
    # Imports make a million objects and hardly any garbage: 0.7 of their 3.3 s went on looking.
    gc.set_threshold(100_000)
    # to be ended by a supervisor is to be interrupted; Dagster's runs take it so, too
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    code = 1

    def end() -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

    # What was registered first is done last. All is written and closed then; Python would take its
    # modules apart for another 1.5 s.
    atexit.register(end)
    try:
        code = main()
    except SystemExit as usage:
        code = usage.code
    except KeyboardInterrupt:  # before a command began, or while it said that it was interrupted
        code = INTERRUPTED


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    parser = arguments_parser()
    arguments = parser.parse_args(argv)
    if arguments.command == "run" and arguments.source and not arguments.events:
        parser.error("--source SOURCE belongs to --events DIR")
    terminal.show_progress(verbose=arguments.verbose)
    home = Home.from_environment()
    try:
        code = _command(arguments.command)(home, arguments) or 0
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return _interrupted()
    except Exception as error:
        if is_interruption(error):
            return _interrupted()
        if isinstance(error, BrokenPipeError) and terminal.reader_is_gone():
            return 0
        if arguments.debug:
            raise
        reason = explained(error, home)
        print(f"comeback: {_in_one_line(reason)}", file=sys.stderr)
        return 2 if isinstance(reason, WrongUsage) else 1


def _command(name: str) -> Callable[[Home, argparse.Namespace], int | None]:
    every = (
        *(init, inspect, source, segment, land, run, replay, train),
        *(erase, access, rectify, encrypt, status, runs, models, accept, deliver, explain, ui),
        completion,
    )
    return {each.__name__: each for each in every}[name]


def _interrupted() -> int:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # it ends already
    print(
        "comeback: interrupted, what was done so far is whole, run the command again",
        file=sys.stderr,
    )
    return INTERRUPTED


def init(home: Home, arguments: argparse.Namespace) -> None:  # noqa: ARG001 as every command
    """A file with every setting, for the shop to edit."""
    from orchestration.ground.settings import write_template

    print(write_template(home.root))


def inspect(home: Home, arguments: argparse.Namespace) -> None:
    """Say what files hold, and load nothing."""
    from orchestration import inspection

    require_there(arguments.files)
    print("\n".join(inspection.inspect(home, arguments.files, arguments.source)))


def source(home: Home, arguments: argparse.Namespace) -> None:
    """Draft a source of the shop's own."""
    from orchestration.drafts import dumps_for, new_source

    dumps = dumps_for(home, arguments.name, arguments.files)
    require_there(dumps)
    draft = new_source(home, arguments.name, dumps)
    for path in draft.files:
        print(f"Written    {path}")
    print(f"Guesses    {draft.guesses} lines are marked, out of {draft.rows:,} rows")
    print("".join(f"Note       {note}\n" for note in draft.notes), end="")
    if draft.fits:
        print(f"Note       these files fit the source {draft.fits} as they are")
    print(
        "Next       correct the guesses that are wrong, then:"
        f" comeback inspect {shlex.join(dumps)} --source {arguments.name}"
    )


def segment(home: Home, arguments: argparse.Namespace) -> None:
    """Draft a segment of the shop's own."""
    from orchestration.drafts import new_segment

    for path in new_segment(home, arguments.name):
        print(f"Written    {path}")
    print("Next       say in both files who is in it, then: comeback run --as-of latest")


def land(home: Home, arguments: argparse.Namespace) -> None:
    """Load the files given."""
    from orchestration.dagster.in_process import Launcher

    require_there(arguments.files)
    with Launcher(home, "land") as launcher:
        landed = launcher.land(arguments.files, arguments.source)
    nothing = "Nothing new: every content was landed before."
    print(terminal.table(landed) if landed.height else nothing)
    skipped = landed.filter(landed["skipped_reason"].is_not_null()) if landed.height else landed
    if skipped.height and skipped.height == landed.height:
        raise ComebackError(
            f"no row was read ({skipped['note'][0]})",
            f"{skipped['file'][0]}" + (" and others" if skipped.height > 1 else ""),
            "deliver what can be read",
        )


def run(home: Home, arguments: argparse.Namespace) -> int:
    """One hour, all steps."""
    from orchestration import status
    from orchestration.dagster.in_process import Launcher

    begun = time.monotonic()
    if arguments.events:
        require_there([arguments.events])
    with Launcher(home, "run") as launcher:
        if arguments.rebuild:
            launcher.rebuild()
        if arguments.simulated:
            launcher.simulate()
        if arguments.events:
            source = arguments.source or launcher.source_of(arguments.events)
            launcher.land([arguments.events], source)
        launcher.require_files()
        match arguments.as_of:
            case "now":
                hour = last_full_hour(utc_now())
            case "latest":
                hour = launcher.latest_hour()
            case chosen:
                hour = chosen
        launcher.hourly(hour, arguments.accept_removals)
    print(status.summary(home, hour, time.monotonic() - begun, terminal.table))
    return _own_files_are_right(home)


def replay(home: Home, arguments: argparse.Namespace) -> int:
    """Hour after hour, training once a day, as the schedules would have."""
    from orchestration import status
    from orchestration.dagster.automation import TRAIN_HOUR
    from orchestration.dagster.in_process import Launcher

    begun = time.monotonic()
    hours = hours_between(arguments.first, arguments.last)
    if not hours:
        raise WrongUsage("there is no hour to replay", "--from is after --to", "swap the two")
    with Launcher(home, "replay") as launcher:
        launcher.require_files()
        with progress("Replaying", len(hours), "hours") as replaying:
            for number, hour in enumerate(hours, start=1):
                logger.info("Hour %d of %d: %s UTC.", number, len(hours), f"{hour:%Y-%m-%d %H:%M}")
                launcher.hourly(hour)
                if hour.hour == TRAIN_HOUR:
                    launcher.train(hour)
                replaying.advance()
    print(status.summary(home, hours[-1], time.monotonic() - begun, terminal.table))
    return _own_files_are_right(home)


def _own_files_are_right(home: Home) -> int:
    """2 if a segment or trigger of the shop's own is wrong: all else is done. A line each, also of
    those that are taken as they are."""
    from orchestration.ground.own_files import faults_in
    from orchestration.ground.settings import load_settings

    faults = faults_in(home, load_settings(home.root).exports)
    for fault in faults:
        print(f"comeback: {fault}", file=sys.stderr)
    return 2 if any(not fault.is_taken for fault in faults) else 0


def train(home: Home, arguments: argparse.Namespace) -> None:
    """Learn challengers as of the hour scored last, and promote those that are better."""
    from orchestration.dagster.in_process import Launcher
    from orchestration.modelling import model_versions
    from orchestration.modelling.model_store import ModelStore

    with Launcher(home, "train") as launcher:
        hour = launcher.newest_scored_hour()
        if hour is None:
            raise ComebackError(
                "there is nothing to learn from", str(home.warehouse), "run first: comeback run"
            )
        launcher.train(hour, recalibrate_only=arguments.recalibrate_only)
    print("\n".join(model_versions.newest_decisions(ModelStore(home.models), hour)))


def erase(home: Home, arguments: argparse.Namespace) -> None:
    """Erase a person, and prove it."""
    from orchestration.dagster.in_process import Launcher
    from orchestration.privacy.erasure_records import Subject

    kind = "visitor" if arguments.user is None else "user"
    subject = Subject.named(kind, getattr(arguments, kind))
    with Launcher(home, "erase") as launcher:
        lines = launcher.erase(subject)
    print("\n".join(lines))


def access(home: Home, arguments: argparse.Namespace) -> None:
    """Print all data of a person."""
    from orchestration.dagster.in_process import Launcher
    from orchestration.privacy.erasure_records import Subject

    subject = Subject.named("user", arguments.user)
    with Launcher(home, "access") as launcher:
        print(launcher.access(subject))


def rectify(home: Home, arguments: argparse.Namespace) -> None:
    """Correct what is known of a person."""
    from orchestration.dagster.in_process import Launcher
    from orchestration.privacy.erasure_records import Subject

    subject = Subject.named("user", arguments.user)
    with Launcher(home, "rectify") as launcher:
        launcher.rectify(subject, arguments.fields)
    print("Corrected. The next hour counts with it: comeback run")


def encrypt(home: Home, arguments: argparse.Namespace) -> None:  # noqa: ARG001 as every command
    """Encrypt a warehouse that was begun without a key."""
    from orchestration.ground.settings import load_settings
    from orchestration.privacy import encrypting

    settings = load_settings(home.root)
    home.prepare()
    with home.lock():
        print("\n".join(encrypting.encrypt(home, settings)))


def status(home: Home, arguments: argparse.Namespace) -> int:
    """What there is, and anything wrong; with `--check`, 1 if anything is or nothing was
    published yet; `--json` for programs."""
    from orchestration import status

    def recorded() -> Sequence[status.FailedRun]:
        from orchestration.dagster.run_records import failed_runs

        return failed_runs(home)

    found = status.status(home, recorded)
    print(found.to_json() if arguments.json else found)
    return int(arguments.check and (found.is_wrong or not found.is_published))


def runs(home: Home, arguments: argparse.Namespace) -> None:
    """The newest runs, whoever started them; `--json` for programs."""
    from orchestration.dagster import run_records

    found = run_records.newest_runs(home, arguments.last)
    if arguments.json:
        print(json.dumps([each.facts for each in found], indent=2))
    elif found:
        print(terminal.table(run_records.as_table(found)))
    else:
        print(f"Nothing was run yet under {home.root}. Run: comeback run")


def completion(home: Home, arguments: argparse.Namespace) -> None:  # noqa: ARG001 as every command
    """What a shell needs to complete the commands."""
    from orchestration.completion import script

    print(script(arguments_parser(), arguments.shell))


def models(home: Home, arguments: argparse.Namespace) -> None:
    """All versions of the models; with `--serve`, another one serves; `--json` for programs."""
    from orchestration.modelling import model_versions

    if arguments.serve is not None:
        from orchestration.dagster.by_hand import serve

        print("\n".join(serve(home, arguments.serve)))
        return
    found = model_versions.versions(home)
    if arguments.json:
        print(json.dumps(model_versions.as_facts(found), indent=2))
    elif found:
        print(terminal.table(model_versions.as_table(found)))
    else:
        print(f"No model was learned yet under {home.root}. Run: comeback run")


def accept(home: Home, arguments: argparse.Namespace) -> None:
    """Say of files that stop the hour, or that no reader reads, that they are meant so."""
    from orchestration.dagster.in_process import Launcher

    if not home.warehouse.exists():
        require_there(arguments.files)
        raise ComebackError("no file has landed yet", str(home.root), "run first: comeback run")
    with Launcher(home, "accept") as launcher:
        accepted = launcher.accept(arguments.files)
    print("\n".join(f"Accepted   {each}" for each in accepted))
    print("Run the hour again: comeback run")


def deliver(home: Home, arguments: argparse.Namespace) -> int:
    """Bring exports to their addresses; 1 if one did not arrive."""
    from orchestration.dagster.by_hand import deliver

    if not home.warehouse.exists():
        raise ComebackError("nothing was exported yet", str(home.root), "run first: comeback run")
    outcomes = deliver(home, arguments.hour)
    for each in outcomes:
        what = ", ".join(each.exports) or "manifest"
        if each.hours or not each.reason:
            print(f"Delivered  {what} to {each.address}: {', '.join(each.hours) or 'nothing new'}")
    for each in outcomes:
        if each.reason:
            print(f"Failed     {each.address}: {each.reason}", file=sys.stderr)
    return int(any(each.reason for each in outcomes))


def explain(home: Home, arguments: argparse.Namespace) -> None:
    """Show what a score was made from, or why a trigger fired."""
    from orchestration import explanation, trigger_explanation

    if arguments.person is not None and arguments.trigger is None:
        raise WrongUsage(
            "--person belongs to a trigger", "comeback explain", "give --trigger NAME --person ID"
        )
    if arguments.trigger is None:
        lines = explanation.explain_cart(home, arguments.cart)
    else:
        lines = trigger_explanation.explain_trigger(home, arguments.trigger, arguments.person)
    print("\n".join(lines))


def ui(home: Home, arguments: argparse.Namespace) -> None:
    """Become Dagster's UI and daemon, until interrupted."""
    from orchestration import ui

    ui.become(home, arguments.port)


def _in_one_line(error: BaseException) -> str:
    """The failure as it is; one that nobody foresaw with its kind, and how to see more."""
    if isinstance(error, ComebackError):
        return str(error)
    text = " ".join(f"{type(error).__name__}: {error}".split())[:500]
    return f"something unforeseen happened, {text}, run it again with --debug and report it"
