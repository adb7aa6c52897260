"""A person's row in the columns of a preset.

Belongs here: filling merge fields and hashed columns. Not here: who has a row (`gates`), what is
safe in a cell (`csv_text`), nor the forms of identifiers (`identifiers`).

A row is kept as the line of the file, and so is the identifier by which the tool finds the person:
two rows are one where their lines are.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import polars as pl

from orchestration.outputs.exports import csv_text
from orchestration.outputs.exports.identifiers import UnusableValueError, sha256
from orchestration.outputs.exports.presets import FORMS, IDENTIFIERS, Column, Preset

# What the file of those who left says of each, beside the identifier.
_LEFT = {"cart_segment": "none", "cart_priority": "0"}

ROWS = {"person_id": pl.String, "identifier": pl.String, "row": pl.String}


@dataclass(frozen=True)
class Rows:
    """The rows of a file.

    Attributes:
        frame: person_id, identifier and row, in the order they came.
        blanked: by column, cells left empty because a spreadsheet could run them, a tool would cut
            them, or they are no address of a page.
    """

    frame: pl.DataFrame
    blanked: dict[str, int]


def merge_rows(persons: pl.DataFrame, preset: Preset, identifier: str) -> Rows:
    """The rows of a preset of the profile `email`.

    Args:
        persons: person_id and the merge fields (`presets.MERGE_FIELDS`), typed: texts, numbers,
            naive times in UTC; a field that is not there is empty. The identifier is in its normal
            form and safe.
        preset: which fields there are, and how times are written.
        identifier: email or external_id.
    """
    blanked: Counter[str] = Counter()
    cells = []
    for name in preset.fields(identifier):
        if name not in persons.columns or persons[name].null_count() == persons.height:
            cells.append([""] * persons.height)
            continue
        values = persons[name].to_list()
        write = _writer(name, preset)
        # most values stand in many rows
        written = {value: write(value) for value in set(values)}
        lost = {value for value, text in written.items() if not text} - {None, ""}
        if lost:
            blanked[name] = sum(value in lost for value in values)
        cells.append([written[value] for value in values])
    frame = pl.DataFrame(
        {
            "person_id": persons["person_id"],
            "identifier": csv_text.lines([[each] for each in persons[identifier]]),
            "row": csv_text.lines(list(zip(*cells, strict=True))),
        },
        schema=ROWS,
    )
    return Rows(frame, dict(blanked))


def left_rows(
    identifiers: Sequence[str], preset: Preset, identifier: str, at: datetime
) -> list[str]:
    """The lines of the file of those who left: by what the tool found them when they were sent.

    Args:
        identifiers: theirs, as `Rows.frame` has them.
        preset: of the file.
        identifier: of the profile `email`: email or external_id.
        at: the hour.
    """
    sent = [csv_text.cells(each) for each in identifiers]
    if preset.is_ads:
        places = iter(range(len(preset.columns)))
        index = [next(places) if column.is_identifier else None for column in preset.columns]
        return csv_text.lines([["" if i is None else each[i] for i in index] for each in sent])
    said = _LEFT | {"score_as_of": csv_text.time(at, preset.time_format)}
    fields = preset.left_fields(identifier)
    return csv_text.lines(
        [[each if name == identifier else said[name] for name in fields] for (each,) in sent]
    )


def hashed_rows(persons: pl.DataFrame, preset: Preset) -> Rows:
    """The rows of a preset of the ads; who has no identifier that can be hashed has none.

    A value that cannot be hashed leaves its cell empty, not its person out.

    Args:
        persons: person_id; email, phone and country in their normal forms, first_name, last_name,
            attr_<name>: texts, null where there is none; value: a number.
        preset: which columns there are.
    """
    columns = [_hashed_column(persons, column) for column in preset.columns]
    is_identifier = [column.is_identifier for column in preset.columns]
    by_them = [column for column, holds in zip(columns, is_identifier, strict=True) if holds]
    known = list(zip(*by_them, strict=True))
    frame = pl.DataFrame(
        {
            "person_id": persons["person_id"],
            "identifier": csv_text.lines(known),
            "row": csv_text.lines(list(zip(*columns, strict=True))),
        },
        schema=ROWS,
    )
    return Rows(frame.filter(pl.Series([any(each) for each in known], dtype=pl.Boolean)), {})


def suppression_rows(suppressions: pl.DataFrame, profiles: pl.DataFrame, preset: Preset) -> Rows:
    """Who must not be mailed: each address once, by address, with the earliest reason.

    Of a user it is the address of the suppression and the one of the profile, which the tool has.

    Args:
        suppressions: channel, user_id, email (normal form, may be null), reason and suppressed_at,
            the earliest first.
        profiles: user_id and email in its normal form.
        preset: how times are written.
    """
    own = profiles.select("user_id", profile_email="email")
    known = (
        suppressions.filter(pl.col("channel").is_in(["email", "all"]))
        .join(own, on="user_id", how="left", maintain_order="left")
        .with_columns(email=pl.concat_list("email", "profile_email"))
        .explode("email")
        .unique("email", keep="first", maintain_order=True)
        .drop_nulls("email")
        .sort("email")
    )
    found = []
    withheld = 0
    for email, reason, since in known.select("email", "reason", "suppressed_at").iter_rows():
        if not csv_text.is_safe_identifier(email):
            withheld += 1
            continue
        at = csv_text.time(since, preset.time_format) if since else ""
        found.append([email, csv_text.safe_text(reason or ""), at])
    identifiers = csv_text.lines([[email] for email, _, _ in found])
    frame = pl.DataFrame(
        {"person_id": identifiers, "identifier": identifiers, "row": csv_text.lines(found)},
        schema=ROWS,
    )
    return Rows(frame, {"email": withheld} if withheld else {})


def _hashed_column(persons: pl.DataFrame, column: Column) -> list[str]:
    if not column.field or column.field not in persons.columns:
        return [""] * persons.height
    values = persons[column.field].to_list()
    if column.field == "value":
        numbers = {each: csv_text.number(max(each or 0, 0)) for each in set(values)}
        return ["" if value is None else numbers[value] for value in values]
    form = FORMS[column.form]
    written = {value: _written(value, form, column) for value in set(values)}
    return [written[value] for value in values]


def _written(value: str | None, form: Callable[[str], str], column: Column) -> str:
    if not value:
        return ""
    try:
        text = form(value)
        return sha256(text) if column.hashed else text
    except UnusableValueError:
        return ""


def _writer(name: str, preset: Preset) -> Callable[[object], str]:
    """What writes a value of a merge field as a cell."""

    def write(value: object) -> str:
        match value:
            case None:
                return ""
            case str():
                return write_text(value)
            case datetime():
                return csv_text.time(value, preset.time_format)
            case int() | float() | Decimal():
                return csv_text.number(value)
        return write_text(str(value))

    def write_identifier(text: str) -> str:
        return text if csv_text.is_safe_identifier(text) and fits(text) else ""

    def write_address(text: str) -> str:
        is_address = text.startswith(("https://", "http://")) and not any(map(str.isspace, text))
        return write_identifier(text) if is_address else ""

    def write_free_text(text: str) -> str:
        safe = csv_text.safe_text(text)
        return csv_text.shortened(safe, preset.most_bytes) if preset.most_bytes else safe

    def fits(text: str) -> bool:
        return not preset.most_bytes or len(text.encode()) <= preset.most_bytes

    if name in IDENTIFIERS or name.endswith("_id"):
        write_text = write_identifier
    elif name.endswith(("_url", "_image")):
        write_text = write_address
    else:
        write_text = write_free_text
    return write
