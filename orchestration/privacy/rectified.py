"""Corrections of what is known of a person, kept as a dump of Comeback's own.

Belongs here: writing a correction, reading it, and deleting those of people who are erased. Not
here: landing it, which is done as with any dump of profiles, so that a rebuilt warehouse knows it
too; how it is encrypted where a key is given (`ground.sealed_files`).

A correction is the person's newest profile with some fields changed, as of now: a row that the
shop delivers with a later time replaces it whole. Consents that are not set stay as they were, so
that they are granted since when they were: a row that repeats one lifts no suppression, and one
that denied it would let the shop's next row grant it newly. A consent that is set is granted now:
a row that ends it comes first.
"""

import json
import secrets
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import available_timezones

import duckdb

from orchestration.ground.countries import country_code
from orchestration.ground.errors import ComebackError, WrongUsage
from orchestration.ground.files import replace_file
from orchestration.ground.home import Home
from orchestration.ground.sealed_files import MARK, opened, sealed
from orchestration.landing import Source
from orchestration.landing.files import content_hash
from orchestration.people import words
from orchestration.warehouse.database import has_table

SOURCE = "profiles"
# By field whether a value can be read, and what to give.
_READABLE: Mapping[str, tuple[Callable[[str], object], str]] = {
    "country": (country_code, "give a code such as DE, or an English name"),
    "time_zone": (
        lambda value: value.strip() in available_timezones(),
        "give a zone such as Europe/Berlin",
    ),
}


def parsed(assignments: Collection[str], source: Source) -> dict[str, str]:
    """The fields of `field=value` texts, by declared name.

    Raises:
        WrongUsage: a text is no assignment, names no field of a profile that can be set, or gives
            a country or time zone that nobody knows: it would only delete what is known.
    """
    fields: dict[str, str] = {}
    known = [name for name in source.column_names if name not in ("user_id", "updated_at")]
    for each in assignments:
        name, is_set, value = each.partition("=")
        if not is_set or not (name in known or name.startswith("attr_")):
            # the value is not shown: it is a person's
            raise WrongUsage(
                f"'{name[:40]}' is no field of a profile that can be set",
                "--set",
                f"give field=value with one of: {', '.join(known)}, attr_...",
            )
        if value.strip() and name in _READABLE and not _READABLE[name][0](value):
            raise WrongUsage(f"'{name}' cannot be what was given", "--set", _READABLE[name][1])
        fields[name] = value
    return fields


def write(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    user: str,
    fields: Mapping[str, str],
    now: datetime,
) -> Path:
    """Write the correction of a user's newest profile as a dump of one row or two; where.

    Args:
        connection: the open warehouse, with the vault settled.
        home: where corrections are kept.
        user: the id as the log has it.
        fields: new values by declared name; an empty one is deleted.
        now: UTC; the correction holds from here on.

    Raises:
        ComebackError: nothing is known of the user.
    """
    profile = _newest(connection, user)
    if profile is None:
        raise ComebackError(
            "no profile of this user has landed",
            "the vault",
            "check the id; profiles land from landing/profiles",
        )
    before = profile.pop("updated_at")
    at = now if now > before else before + timedelta(microseconds=1)
    for name in words.CONSENTS:
        profile[name] = "granted" if profile[name] else "denied"
    profile |= json.loads(profile.pop("attributes") or "{}")
    renewed = [
        name
        for name in words.CONSENTS
        if profile[name] == "granted" and fields.get(name, "").strip().lower() in words.GRANTED
    ]
    profile |= fields
    rows = [profile]
    if renewed:
        rows.insert(0, profile | dict.fromkeys(renewed, "denied"))
    lines = [
        json.dumps(
            {"user_id": user}
            | {name: value for name, value in row.items() if value}
            | {"updated_at": f"{(at + timedelta(microseconds=place)).isoformat()}Z"}
        )
        for place, row in enumerate(rows)
    ]
    home.rectified.mkdir(mode=0o700, exist_ok=True)
    # a name that says nothing of whom it is for
    path = home.rectified / f"{now:%Y-%m-%dT%H%M%SZ}-{secrets.token_hex(4)}.jsonl"
    replace_file(path, sealed("".join(f"{line}\n" for line in lines).encode()), mode=0o600)
    return path


def remove(connection: duckdb.DuckDBPyConnection, home: Home, users: Collection[str]) -> None:
    """Delete the corrections of users who are erased, and that their files ever landed."""
    for path in _files(home):
        first, *_ = read(path)
        if first["user_id"] not in users:
            continue
        # a file that is gone must not be asked for when the warehouse is rebuilt
        loads = "select load_id from raw.files where source = ? and ends_with(file, ?)"
        for table in ("unreadable_rows", "repaired_rows", "files"):
            connection.execute(
                f"delete from raw.{table} where load_id in ({loads})", [SOURCE, path.name]
            )
        connection.execute("delete from raw.seen_files where ends_with(address, ?)", [path.name])
        path.unlink()


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a correction."""
    return [json.loads(line) for line in opened(path.read_bytes()).decode().splitlines()]


def rewrite(connection: duckdb.DuckDBPyConnection, path: Path, content: bytes) -> None:
    """Replace the content of a correction that has landed; it stays known, by its new bytes."""
    replace_file(path, sealed(content), mode=0o600)
    _know(connection, path)


def seal(connection: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Encrypt the corrections that are not yet."""
    for path in _files(home):
        content = path.read_bytes()
        if content.startswith(MARK):
            # whoever was killed may have got as far as the file
            _know(connection, path)
        else:
            rewrite(connection, path, content)


def _know(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Have a correction that has landed known by the bytes that it has."""
    connection.execute(
        "update raw.files set content_hash = ? where source = ? and ends_with(file, ?)",
        [content_hash(path), SOURCE, path.name],
    )


def _files(home: Home) -> list[Path]:
    return sorted(home.rectified.glob("*.jsonl"))


def _newest(connection: duckdb.DuckDBPyConnection, user: str) -> dict[str, object] | None:
    if not has_table(connection, "vault", "profile_versions"):
        return None
    frame = connection.sql(
        "select * exclude (user_id, email_key, is_stripped, load_id, line)"
        " from vault.profile_versions where user_id = ? order by updated_at desc limit 1",
        params=[user],
    ).pl()
    return frame.row(0, named=True) if frame.height else None
