"""What an address needs to let us in.

Belongs here: reading it, from variables of the environment and a file of the home that only its
owner can read. Not here: where an address is (`ground.settings_exports`), which has none in it.

    COMEBACK_DELIVERY_<EXPORT>_<OPTION>     the option of one export's address, such as PASSWORD
    $COMEBACK_HOME/credentials.toml         a table an export: [email] password = "..."

The environment counts before the file. Beside these every client looks where it always does: in
AWS_ACCESS_KEY_ID, ~/.aws, ~/.ssh. Nothing of it is written, logged or part of a failure.
"""

import os
import stat
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from orchestration.ground.errors import ComebackError

FILE_NAME = "credentials.toml"
NOTIFY = "notify"
ALERT = "alert"
_PREFIX = "COMEBACK_DELIVERY_"


def read_file(home: Path) -> dict[str, dict[str, str]]:
    """The tables of `credentials.toml`; none without the file.

    Raises:
        ComebackError: others can read it, or it is no TOML of tables of texts.
    """
    path = home / FILE_NAME
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise ComebackError(
                f"others can read the credentials (mode {mode:04o})",
                str(path),
                f"change that: chmod 600 {path}",
            )
        tables = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except ValueError:  # its text would show a part of the file
        tables = None
    if tables is None or not all(_is_of_texts(each) for each in tables.values()):
        raise ComebackError(
            "the credentials are no TOML of tables with texts",
            str(path),
            'write a line [EXPORT], below it lines such as password = "..."',
        ) from None
    return tables


def shared_options(options: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    """What exports with one address say of it; those that say nothing go along.

    Raises:
        ComebackError: two of them say different things.
    """
    given = [name for name, own in options.items() if own]
    for name in given[1:]:
        if options[name] != options[given[0]]:
            raise ComebackError(
                "exports with one address have different credentials",
                f"{given[0]}, {name}",
                "give them the same, or to one of them only",
            )
    return options[given[0]] if given else {}


def options_of(
    export: str,
    file: Mapping[str, Mapping[str, str]],
    exports: Iterable[str],
    environment: Mapping[str, str] = os.environ,
) -> dict[str, str]:
    """The options of an export's address.

    Args:
        export: its name; `notify` for the webhook.
        file: what `read_file` gave.
        exports: all names: a variable is that of the longest that it begins with.
        environment: its variables.
    """
    prefixes = sorted((f"{_PREFIX}{_variable(each)}_" for each in exports), key=len, reverse=True)
    own = f"{_PREFIX}{_variable(export)}_"
    given = {
        name.removeprefix(own).lower(): value
        for name, value in environment.items()
        if value and next((each for each in prefixes if name.startswith(each)), None) == own
    }
    return {**file.get(export, {}), **given}


def _variable(export: str) -> str:
    return export.upper().replace("-", "_")


def _is_of_texts(table: object) -> bool:
    return isinstance(table, dict) and all(isinstance(each, str) for each in table.values())
