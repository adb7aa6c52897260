"""The arguments of the command `comeback`.

Belongs here: the commands, their arguments and help. Not here: what a command does (`cli`). Nothing
heavy is imported, so that `--help` answers at once.
"""

import argparse
from collections.abc import Sequence
from datetime import datetime

from orchestration.ground.errors import ComebackError, WrongUsage
from orchestration.ground.hours import parse_hour
from orchestration.parsers import Parser


class _Version(argparse.Action):
    """Prints the version and ends; looked up only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"comeback {version('comeback')}")
        parser.exit()


def parser() -> argparse.ArgumentParser:
    """The parser of `comeback`; in what it gives, `command` is the name of the command."""
    program = Parser(
        prog="comeback",
        description="Out of a shop's raw event dumps: which carts will not be bought, when each"
        " shopper will be back, and who is worth a nudge.",
        epilog="State lives under COMEBACK_HOME (default: data/ of the checkout).",
    )
    program.add_argument("--version", action=_Version, nargs=0, help="say which version this is")
    program.add_argument("--debug", action="store_true", help="show the traceback of a failure")
    _add_verbose(program, default=False)
    commands = program.add_subparsers(required=True, metavar="COMMAND")
    _add(
        commands,
        "init",
        "write a comeback.toml with every setting, its default and what fits, as comments",
        "comeback init",
    )
    _add_inspect(commands)
    _add_source(commands)
    _add_segment(commands)
    _add_land(commands)
    _add_run(commands)
    _add_replay(commands)
    parser_of_train = _add(
        commands,
        "train",
        "learn challengers and promote those that are better",
        "comeback train",
    )
    parser_of_train.add_argument(
        "--recalibrate-only",
        action="store_true",
        help="learn nothing: bring the chances of the model in use to the newest days",
    )
    _add_erase(commands)
    _add_rights(commands)
    _add(
        commands,
        "encrypt",
        "encrypt a warehouse that was begun without a key with that in COMEBACK_DATABASE_KEY",
        "comeback encrypt",
    )
    parser_of_status = _add(
        commands, "status", "files, rows, models, exports, anything wrong", "comeback status"
    )
    parser_of_status.add_argument(
        "--check",
        action="store_true",
        help="exit with 1 if anything is wrong, or nothing was published",
    )
    parser_of_status.add_argument(
        "--json", action="store_true", help="as one JSON object, for programs"
    )
    _add_runs(commands)
    _add_models(commands)
    _add_accept(commands)
    _add_deliver(commands)
    _add_explain(commands)
    _add_ui(commands)
    _add_completion(commands)
    return program


def _add_inspect(commands: argparse._SubParsersAction) -> None:
    parser = _add(
        commands,
        "inspect",
        "what dumps hold and what a run would make of them, before anything is loaded",
        "comeback inspect dumps/2026-10-31.csv.gz",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="file, folder or address")
    parser.add_argument(
        "--source", help="the source whose dumps they are (default: the one that they look like)"
    )


def _add_source(commands: argparse._SubParsersAction) -> None:
    source = commands.add_parser(
        "source",
        help="sources of your own: dumps of a system that nobody here knows",
        description="Sources of your own: dumps of a system that nobody here knows.",
        epilog="Example: comeback source new till dumps/",
    )
    parser = _add(
        source.add_subparsers(required=True, metavar="ACTION"),
        "new",
        "write the two files of a new source into the home, as far as these dumps say it, every"
        " guess marked for you to correct",
        "comeback source new till dumps/",
    )
    parser.set_defaults(command="source")
    parser.add_argument("name", metavar="NAME", help="what to call it: a-z, 0-9 and _")
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="file, folder or address (default: what lies in the landing folder of that name)",
    )


def _add_segment(commands: argparse._SubParsersAction) -> None:
    segment = commands.add_parser(
        "segment",
        help="segments of your own: people whom a query finds",
        description="Segments of your own: people whom a query finds.",
        epilog="Example: comeback segment new big_spenders",
    )
    parser = _add(
        segment.add_subparsers(required=True, metavar="ACTION"),
        "new",
        "write the two files of a new segment into the home, for you to edit",
        "comeback segment new big_spenders",
    )
    parser.set_defaults(command="segment")
    parser.add_argument("name", metavar="NAME", help="what to call it: a-z, 0-9 and _")


def _add_land(commands: argparse._SubParsersAction) -> None:
    parser = _add(
        commands,
        "land",
        "load files into the raw tables, each content once",
        "comeback land dumps/2026-10-31.csv.gz --source rees46",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="file, folder or address")
    parser.add_argument("--source", required=True, help="the source whose dumps they are")


def _add_run(commands: argparse._SubParsersAction) -> None:
    parser = _add(
        commands,
        "run",
        "one hour, all steps: land what is new, build, score, publish",
        "comeback run --as-of latest --events ~/dumps",
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
    parser.add_argument(
        "--source", help="the source whose dumps are in DIR (default: the one that they look like)"
    )
    parser.add_argument(
        "--rebuild",
        action="store_true",
        help="first rebuild a damaged warehouse from the kept dumps; the old file is put aside",
    )
    parser.add_argument(
        "--accept-removals",
        action="append",
        default=[],
        metavar="NAME",
        help="an export that is held because so many would leave it: they are meant to",
    )


def _add_replay(commands: argparse._SubParsersAction) -> None:
    parser = _add(
        commands,
        "replay",
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
        "erase",
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


def _add_rights(commands: argparse._SubParsersAction) -> None:
    parser = _add(
        commands,
        "access",
        "all data of a person, as one JSON on the standard output",
        "comeback access --user 4711 > 4711.json",
    )
    parser.add_argument("--user", metavar="ID", required=True, help="an account")
    parser = _add(
        commands,
        "rectify",
        "correct what is known of a person; a profile that the shop delivers later replaces it",
        "comeback rectify --user 4711 --set email=anna@shop.example",
    )
    parser.add_argument("--user", metavar="ID", required=True, help="an account")
    parser.add_argument(
        "--set",
        dest="fields",
        metavar="FIELD=VALUE",
        action="append",
        required=True,
        help="a field of the profile and its new value, nothing to delete it; may be given again",
    )


def _add_runs(commands: argparse._SubParsersAction) -> None:
    parser = _add(
        commands,
        "runs",
        "the newest runs: what started them, how long they took, why one failed",
        "comeback runs --last 5",
    )
    parser.add_argument(
        "--last", type=_count, default=20, metavar="N", help="so many of them (default: 20)"
    )
    parser.add_argument("--json", action="store_true", help="as one JSON list, for programs")


def _add_models(commands: argparse._SubParsersAction) -> None:
    parser = _add(
        commands,
        "models",
        "all versions of the models: their figures, which serves, why each was taken or not",
        "comeback models",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--serve",
        metavar="ID",
        help="have scores come from this version, until a better one is learned",
    )
    what.add_argument("--json", action="store_true", help="as one JSON list, for programs")


def _add_accept(commands: argparse._SubParsersAction) -> None:
    parser = _add(
        commands,
        "accept",
        "say of a file that stops the hour, or that no reader reads, that it is meant so",
        "comeback accept 2026-10-31.csv",
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="name as in comeback status")


def _add_deliver(commands: argparse._SubParsersAction) -> None:
    parser = _add(
        commands,
        "deliver",
        "bring exports to where they are delivered, first those that did not arrive",
        "comeback deliver",
    )
    parser.add_argument(
        "--hour",
        type=_full_hour,
        metavar="HOUR",
        help="an hour that is kept, again, whatever arrived already (default: the newest)",
    )


def _add_explain(commands: argparse._SubParsersAction) -> None:
    parser = _add(
        commands,
        "explain",
        "a cart and its newest score, or why a trigger fired, and the lines of the log behind it",
        "comeback explain --cart 8f1c2ab",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--cart", metavar="ID", help="its cart_id, or the beginning of it")
    what.add_argument("--trigger", metavar="NAME", help="name of a trigger")
    parser.add_argument(
        "--person",
        metavar="ID",
        help="person_id: user:ACCOUNT, or a visitor (default: for whom the trigger fired last)",
    )


def _add_ui(commands: argparse._SubParsersAction) -> None:
    parser = _add(
        commands,
        "ui",
        "Dagster's UI and its hourly schedule, until interrupted",
        "comeback ui --port 3000",
    )
    parser.add_argument("--port", default="3000", help="on 127.0.0.1 (default: 3000)")


def _add_completion(commands: argparse._SubParsersAction) -> None:
    parser = _add(
        commands,
        "completion",
        "what a shell needs to complete these commands and their options",
        'comeback completion bash; to use it: eval "$(comeback completion bash)"',
    )
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="the shell")


def require_there(addresses: Sequence[str]) -> None:
    """Fail before any work if a file or folder that was named is not there.

    Raises:
        WrongUsage: it names the first that is not.
    """
    from orchestration.landing.locations import exists

    for address in addresses:
        if not exists(address):
            raise WrongUsage("no such file or folder", address, "correct the path")


def _add_verbose(parser: argparse.ArgumentParser, default: object) -> None:
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        default=default,
        help="say each step as it begins, and when",
    )


def _add(
    commands: argparse._SubParsersAction,
    command: str,
    summary: str,
    example: str,
) -> argparse.ArgumentParser:
    """A command with its help and one example."""
    parser = commands.add_parser(
        command, help=summary, description=summary, epilog=f"Example: {example}"
    )
    parser.set_defaults(command=command)
    _add_verbose(parser, default=argparse.SUPPRESS)  # given before the command, it stays
    return parser


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:6]) <= 10_000):
        raise argparse.ArgumentTypeError(f"'{text[:20]}' is no number between 1 and 10000")
    return int(text)


def _as_of(text: str) -> str | datetime:
    return text if text in ("now", "latest") else _full_hour(text)


def _full_hour(text: str) -> datetime:
    try:
        return parse_hour(text)
    except ComebackError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
