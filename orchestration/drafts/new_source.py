"""`comeback source new`: from some files to the two files of a source in a home.

Belongs here: reading the rows, what may not be, writing. Not here: the guesses and their text.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from orchestration.drafts.fields import Fields, fields_of_files
from orchestration.drafts.forms import has_half_days, time_form
from orchestration.drafts.guesses import Guesses, guessed
from orchestration.drafts.notes import notes_on
from orchestration.drafts.texts import Form, Texts
from orchestration.ground.checkout import DBT_PROJECT, SOURCE_DEFINITIONS
from orchestration.ground.errors import ComebackError, WrongUsage
from orchestration.ground.event_words import understood
from orchestration.ground.files import make_private, replace_file
from orchestration.ground.home import Home
from orchestration.ground.settings import load_settings
from orchestration.ground.sql import in_memory
from orchestration.landing import FoundFile, find_files, load_sources
from orchestration.landing.locations import known_sources, sources_in
from orchestration.landing.plain_rows import PlainRows, plain_rows
from orchestration.landing.recognition import CANONICAL, SAMPLE_FILES, recognized
from orchestration.landing.sources import LANDING_TABLES

# Of all files together; enough to see every common word and form.
SAMPLE_ROWS = 20_000
_NAME = re.compile(r"[a-z][a-z0-9_]{0,50}")


@dataclass(frozen=True)
class Draft:
    """What was written.

    Attributes:
        files: The two files.
        rows: How many rows were looked at.
        guesses: How many lines are marked as a guess.
        fits: The source that the files fit already, if there is one.
        notes: What a person has to know of the rows beside the guesses.
    """

    files: tuple[Path, Path]
    rows: int
    guesses: int
    fits: str | None
    notes: tuple[str, ...] = ()


def dumps_for(home: Home, name: str, addresses: Sequence[str]) -> list[str]:
    """The dumps that are named; else the folder in which those of the new source are landed from.

    Raises:
        WrongUsage: none are named, and nothing lies in that folder.
    """
    if addresses:
        return [*addresses]
    folder = home.landing / name
    if not folder.is_dir() or not any(folder.iterdir()):
        raise WrongUsage(
            "no FILES are named, and nothing lies in this folder", str(folder), "name them"
        )
    return [str(folder)]


def new_source(home: Home, name: str, addresses: Sequence[str]) -> Draft:
    """Write the two files of a new source, as far as names and values of some rows say it.

    Args:
        home: where its own sources lie.
        name: the name of the source.
        addresses: files, folders or addresses.

    Raises:
        WrongUsage: it is no name.
        ComebackError: there is such a source; no row can be read; or no column can be whose a row
            is, or when it happened.
    """
    _require_free(home, name)
    settings = load_settings(home.root)
    files = [
        file
        for address in addresses
        for file in find_files(address, follow_symlinks=settings.follow_symlinks)
    ]
    read = _rows(files)
    if not read:
        raise ComebackError(
            "no file with rows that can be read is there", ", ".join(addresses), "give others"
        )
    rows = [row for plain in read for row in plain.rows]
    fields = fields_of_files(plain.rows for plain in read)
    guesses = guessed(fields, _currencies(), rows)
    _require_essentials(guesses, fields)
    form = Form(
        has_names=all(plain.has_names for plain in read),
        has_backslashes=any(plain.has_backslashes for plain in read),
    )
    ours = sources_in(DBT_PROJECT)[CANONICAL].column_names
    with in_memory() as connection:
        texts = Texts(name, fields, guesses, form, ours, _reserved(connection))
        words = [each.text for each in guesses.words]
        yml, sql = texts.yml(), texts.sql(understood(words, settings))
    _require_readable(name, yml)
    # the columns may be those of a source that cannot read such dates, or such clocks
    is_read_by_others = guesses.time is not None and guesses.time.order == "iso"
    if guesses.time_of_day and has_half_days(guesses.time_of_day):
        is_read_by_others = False
    fits = _fitting(home, files) if is_read_by_others else None
    paths = home.sources / f"{name}.yml", home.sources / f"{name}.sql"
    make_private(home.root)
    home.sources.mkdir(parents=True, exist_ok=True)
    for path, text in zip(paths, (yml, sql), strict=True):
        replace_file(path, text.encode())
    marked = sum("guess:" in line for line in f"{yml}\n{sql}".splitlines())
    notes = notes_on(fields, guesses, sum(plain.uncut for plain in read))
    return Draft(paths, fields.rows, marked, fits, tuple(notes))


def _require_free(home: Home, name: str) -> None:
    if not _NAME.fullmatch(name) or name in LANDING_TABLES:
        raise WrongUsage(f"{name!r} can be no name of a source", "NAME", "use a-z, 0-9 and _")
    if (SOURCE_DEFINITIONS / f"{name}.yml").exists():
        raise WrongUsage(
            f"{name} is a source that Comeback has already", "NAME", "choose another name"
        )
    for path in (home.sources / f"{name}.yml", home.sources / f"{name}.sql"):
        if path.exists():
            raise ComebackError(
                f"there is a source {name} already",
                str(path),
                "it is not overwritten: choose another name, or move its two files away",
            )


def _rows(files: Sequence[FoundFile]) -> list[PlainRows]:
    """The first rows of the first files that can be read."""
    read: list[PlainRows] = []
    each = SAMPLE_ROWS // max(1, min(len(files), SAMPLE_FILES))
    for file in files:
        if plain := plain_rows(file, each):
            read.append(plain)
        if len(read) == SAMPLE_FILES:
            break
    return read


def _require_essentials(guesses: Guesses, fields: Fields) -> None:
    shown = ", ".join([*fields.columns][:20])
    if "event_at" not in guesses.found:
        for each in fields.lists.values():
            if any(time_form(inside) for inside in each.elements.values()):
                raise ComebackError(
                    "a row holds a list of events",
                    f"column {each.column}",
                    "deliver a row for each event",
                )
        raise ComebackError(
            "no column holds times that can be read (ISO 8601, epochs, 31.12.2026 23:59,"
            " 12/31/2026 11:59 PM)",
            f"columns: {shown}",
            "write the two files by hand: dbt_project/docs/own_source.md",
        )
    if "visitor_id" not in guesses.found and "user_id" not in guesses.found:
        raise ComebackError(
            "no column looks like the id of a visitor or a user",
            f"columns: {shown}",
            "write the two files by hand: dbt_project/docs/own_source.md",
        )


def _require_readable(name: str, yml: str) -> None:
    with TemporaryDirectory(prefix="comeback_draft_") as folder:
        (Path(folder) / f"{name}.yml").write_text(yml, encoding="utf-8")
        load_sources(Path(folder))


def _currencies() -> frozenset[str]:
    text = (DBT_PROJECT / "macros" / "rules" / "currencies.sql").read_text(encoding="utf-8")
    return frozenset(re.findall(r"'([A-Z]{3})'", text))


def _reserved(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    found = connection.execute(
        "select keyword_name from duckdb_keywords()"
        " where keyword_category in ('reserved', 'type_function')"
    ).fetchall()
    return frozenset(word for (word,) in found)


def _fitting(home: Home, files: Sequence[FoundFile]) -> str | None:
    """The source that the files fit already."""
    with suppress(ComebackError):
        return recognized(files, known_sources(home)).source
    return None
