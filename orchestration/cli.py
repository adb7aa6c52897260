"""The command `comeback`: reads its arguments, runs Dagster jobs here, prints the outcome.

Belongs here: arguments, progress and exit codes (0 done, 1 failed, 2 wrong usage). Not here: work;
a command is a run of the jobs that the schedule runs. Dagster, dbt and the models are imported when
a command needs them, so that `--help` answers at once.
"""

import argparse
import atexit
import gc
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from orchestration.ground.errors import ComebackError
from orchestration.ground.failures import explained
from orchestration.ground.home import Home
from orchestration.ground.hours import hours_between, last_full_hour, parse_hour, utc_now

logger = logging.getLogger("orchestration.cli")


def program() -> None:
    """The program `comeback`: `main` in a process that ends with it."""
    # Imports make a million objects and hardly any garbage: 0.7 of their 3.3 s went on looking.
    gc.set_threshold(100_000)
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


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.command is run and bool(arguments.events) != bool(arguments.source):
        parser.error("--events DIR and --source SOURCE belong together")
    for address in _named_paths(arguments):
        if not _is_there(address):
            parser.error(f"there is no file or folder {address}")
    _show_progress()
    home = Home.from_environment()
    try:
        arguments.command(home, arguments)
    except KeyboardInterrupt:
        print("comeback: interrupted, the run did not finish, run it again", file=sys.stderr)
        return 1
    except Exception as error:
        if arguments.debug:
            raise
        print(f"comeback: {_in_one_line(explained(error, home))}", file=sys.stderr)
        return 1
    return 0


def _named_paths(arguments: argparse.Namespace) -> Sequence[str]:
    """The files and folders that are named to be landed."""
    if arguments.command is land:
        return arguments.files
    return [arguments.events] if arguments.command is run and arguments.events else []


def _is_there(address: str) -> bool:
    """Whether a path or address leads to something; one that cannot be asked for is tried later."""
    if "://" not in address:
        return Path(address).exists()
    from orchestration.landing.files import exists

    try:
        return exists(address)
    except (OSError, ImportError, ValueError):
        return True


def init(home: Home, arguments: argparse.Namespace) -> None:  # noqa: ARG001 as every command
    """A file with every setting, for the shop to edit."""
    from orchestration.ground.settings import write_template

    print(write_template(home.root))


def land(home: Home, arguments: argparse.Namespace) -> None:
    """Load the files given."""
    from orchestration.dagster.in_process import Launcher
    from orchestration.status import aligned

    with Launcher(home, "land") as launcher:
        landed = launcher.land(arguments.files, arguments.source)
    print(aligned(landed) if landed.height else "Nothing new: every content was landed before.")
    skipped = landed.filter(landed["skipped_reason"].is_not_null()) if landed.height else landed
    if skipped.height and skipped.height == landed.height:
        raise ComebackError(
            f"no row was read ({skipped['note'][0]})",
            f"{skipped['file'][0]}" + (" and others" if skipped.height > 1 else ""),
            "deliver what can be read",
        )


def run(home: Home, arguments: argparse.Namespace) -> None:
    """One hour, all steps."""
    from orchestration import status
    from orchestration.dagster.in_process import Launcher

    begun = time.monotonic()
    with Launcher(home, "run") as launcher:
        if arguments.rebuild:
            launcher.rebuild()
        if arguments.simulated:
            launcher.simulate()
        if arguments.events:
            launcher.land([arguments.events], arguments.source)
        launcher.require_files()
        match arguments.as_of:
            case "now":
                hour = last_full_hour(utc_now())
            case "latest":
                hour = launcher.latest_hour()
            case chosen:
                hour = chosen
        launcher.hourly(hour)
    print(status.summary(home, hour, time.monotonic() - begun))


def replay(home: Home, arguments: argparse.Namespace) -> None:
    """Hour after hour, training once a day, as the schedules would have."""
    from orchestration import status
    from orchestration.dagster.automation import TRAIN_HOUR
    from orchestration.dagster.in_process import Launcher

    begun = time.monotonic()
    hours = hours_between(arguments.first, arguments.last)
    if not hours:
        raise ComebackError("there is no hour to replay", "--from is after --to", "swap the two")
    with Launcher(home, "replay") as launcher:
        launcher.require_files()
        for number, hour in enumerate(hours, start=1):
            logger.info("Hour %d of %d: %s UTC.", number, len(hours), f"{hour:%Y-%m-%d %H:%M}")
            launcher.hourly(hour)
            if hour.hour == TRAIN_HOUR:
                launcher.train(hour)
    print(status.summary(home, hours[-1], time.monotonic() - begun))


def train(home: Home, arguments: argparse.Namespace) -> None:  # noqa: ARG001 as every command
    """Learn challengers as of the hour scored last, and promote those that are better."""
    from orchestration import status
    from orchestration.dagster.in_process import Launcher

    with Launcher(home, "train") as launcher:
        hour = launcher.newest_scored_hour()
        if hour is None:
            raise ComebackError(
                "there is nothing to learn from", str(home.warehouse), "run first: comeback run"
            )
        launcher.train(hour)
    print(status.models(home))


def erase(home: Home, arguments: argparse.Namespace) -> None:
    """Erase a person, and prove it."""
    from orchestration.dagster.in_process import Launcher
    from orchestration.privacy.erasure_records import Subject

    kind = "visitor" if arguments.user is None else "user"
    subject = Subject.named(kind, getattr(arguments, kind))
    with Launcher(home, "erase") as launcher:
        lines = launcher.erase(subject)
    print("\n".join(lines))


def status(home: Home, arguments: argparse.Namespace) -> None:  # noqa: ARG001 as every command
    """What there is, and anything wrong."""
    from orchestration import status

    print(status.status(home))


def _show_progress() -> None:
    """What the modules log, plainly on stderr; other libraries are heard in the Dagster UI."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    ours = logging.getLogger("orchestration")
    ours.addHandler(handler)
    ours.setLevel(logging.INFO)
    ours.propagate = False


def ui(home: Home, arguments: argparse.Namespace) -> None:
    """Become Dagster's UI and daemon, until interrupted."""
    home.prepare()
    dagster = str(Path(sys.executable).with_name("dagster"))
    options = [
        "-m",
        "orchestration.dagster.definitions",
        "-h",
        "127.0.0.1",
        "-p",
        str(arguments.port),
    ]
    places = {"COMEBACK_HOME": str(home.root), "DAGSTER_HOME": str(home.dagster)}
    os.execve(dagster, [dagster, "dev", *options], {**os.environ, **places})


def _in_one_line(error: BaseException) -> str:
    """The failure as it is; one that nobody foresaw with its kind, and how to see more."""
    if isinstance(error, ComebackError):
        return str(error)
    text = " ".join(f"{type(error).__name__}: {error}".split())[:500]
    return f"something unforeseen happened, {text}, run it again with --debug and report it"


def _as_of(text: str) -> str | datetime:
    return text if text in ("now", "latest") else _full_hour(text)


def _full_hour(text: str) -> datetime:
    try:
        return parse_hour(text)
    except ComebackError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="comeback",
        description="Out of a shop's raw event dumps: which carts will not be bought, when each"
        " shopper will be back, and who is worth a nudge.",
        epilog="State lives under COMEBACK_HOME (default: data/ of the checkout).",
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of a failure")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add(
        commands,
        init,
        "write a comeback.toml with every setting, its default and what fits, as comments",
        "comeback init",
    )
    _add_land(commands)
    _add_run(commands)
    _add_replay(commands)
    _add(
        commands,
        train,
        "learn challengers and promote those that are better",
        "comeback train",
    )
    _add_erase(commands)
    _add(commands, status, "files, rows, models, exports, anything wrong", "comeback status")
    _add_ui(commands)
    return parser


def _add_land(commands: argparse._SubParsersAction) -> None:
    parser = _add(
        commands,
        land,
        "load files into the raw tables, each content once",
        "comeback land dumps/2026-10-31.csv.gz --source rees46",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="file, folder or address")
    parser.add_argument("--source", required=True, help="the source whose dumps they are")


def _add_run(commands: argparse._SubParsersAction) -> None:
    parser = _add(
        commands,
        run,
        "one hour, all steps: land what is new, build, score, publish",
        "comeback run --as-of latest --events ~/dumps --source rees46",
    )
    parser.add_argument(
        "--as-of",
        type=_as_of,
        default="now",
        metavar="HOUR",
        help="now: the last full hour (default); latest: the first one at or after the newest"
        " event; or a full hour such as 2026-10-31T10:00Z",
    )
    whose = parser.add_mutually_exclusive_group()
    whose.add_argument("--events", metavar="DIR", help="a folder of dumps to land first")
    whose.add_argument(
        "--simulated", action="store_true", help="simulate a shop where no dumps are"
    )
    parser.add_argument("--source", help="the source whose dumps are in DIR")
    parser.add_argument(
        "--rebuild",
        action="store_true",
        help="first rebuild a damaged warehouse from the kept dumps; the old file is put aside",
    )


def _add_replay(commands: argparse._SubParsersAction) -> None:
    parser = _add(
        commands,
        replay,
        "hour after hour, as if it had run all along",
        "comeback replay --from 2026-10-31T00:00Z --to 2026-10-31T23:00Z",
    )
    for name, target in (("--from", "first"), ("--to", "last")):
        parser.add_argument(
            name,
            dest=target,
            type=_full_hour,
            required=True,
            metavar="HOUR",
            help=f"the {target} hour",
        )


def _add_erase(commands: argparse._SubParsersAction) -> None:
    parser = _add(
        commands,
        erase,
        "a person out of tables, exports and logs for good, and proof of it; the dumps that named"
        " them are listed, not changed, and cannot bring them back",
        "comeback erase --user 4711",
    )
    whose = parser.add_mutually_exclusive_group(required=True)
    whose.add_argument(
        "--user",
        metavar="ID",
        help="an account: with it every visitor that only this user signed in on, and on a shared"
        " device what was theirs",
    )
    whose.add_argument("--visitor", metavar="ID", help="a browser or device")


def _add_ui(commands: argparse._SubParsersAction) -> None:
    parser = _add(
        commands,
        ui,
        "Dagster's UI and its hourly schedule, until interrupted",
        "comeback ui --port 3000",
    )
    parser.add_argument("--port", type=int, default=3000, help="on 127.0.0.1 (default: 3000)")


def _add(
    commands: argparse._SubParsersAction,
    command: Callable[[Home, argparse.Namespace], None],
    summary: str,
    example: str,
) -> argparse.ArgumentParser:
    """A command, named as its function, with its help and one example."""
    parser = commands.add_parser(
        command.__name__, help=summary, description=summary, epilog=f"Example: {example}"
    )
    parser.set_defaults(command=command)
    return parser
