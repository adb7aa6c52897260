"""What a tool's file looks like: one small TOML file a tool, in the folder presets/.

Belongs here: reading and checking those files. Not here: filling the columns (`rows`), nor who is
in a file (`gates`).

A preset of the profile `email` renames the merge fields (`MERGE_FIELDS`) and leaves out some; one
of the ads says each column. What a preset may say is `Preset`; `klaviyo.toml` and
`tiktok.toml` are good ones to start from. A file that can be read is a preset, which the settings
name by themselves; the page dbt_project/docs/exports.md lists it, and a test holds it to that.
"""

import tomllib
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError, model_validator

from orchestration.ground.checkout import EXPORT_PRESETS
from orchestration.ground.errors import ComebackError
from orchestration.ground.settings_exports import ADS, Profile
from orchestration.outputs.exports import identifiers, names_and_places

FORMS = identifiers.FORMS | names_and_places.FORMS
ITEMS, ALSO_BOUGHT = 3, 3
_ITEM_FIELDS = ("id", "name", "quantity", "price", "url", "image")
IDENTIFIERS = ("email", "external_id")
# What the e-mail about a cart may say, in the order of the columns.
MERGE_FIELDS = (
    *IDENTIFIERS,
    "first_name",
    "language",
    "time_zone",
    "country",
    "cart_segment",
    "cart_action",
    "cart_priority",
    "cart_value",
    "cart_currency",
    "send_after",
    "valid_until",
    "score_as_of",
    "cart_url",
    *(f"item_{i}_{each}" for i in range(1, ITEMS + 1) for each in _ITEM_FIELDS),
    "item_count",
    *(f"also_bought_{i}" for i in range(1, ALSO_BOUGHT + 1)),
)
# What a file says beside these of somebody in segments of people, if the export takes any.
SEGMENTS = "segments"
# And of whoever is in an experiment, if there are any.
VARIANT = "variant"
# What the row of somebody who left a list says beside the identifier: imports clear no blanks.
LEFT_FIELDS = ("cart_segment", "cart_priority", "score_as_of")
SUPPRESSION_FIELDS = ("email", "reason", "since")


class Column(BaseModel):
    """A column of a file of the ads.

    Attributes:
        header: as the tool wants it; several columns may have the same.
        field: email, phone, country, first_name, last_name, value, or attr_<name> of the profile;
            empty: a column that the tool's template has and that stays empty.
        form: how the field is written, by its name in `FORMS`.
        hashed: whether it is hashed then (SHA-256).
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    header: Annotated[str, Field(min_length=1)]
    field: Annotated[
        str, Field(pattern=r"^(|email|phone|country|first_name|last_name|value|attr_\w+)$")
    ] = ""
    form: str = "plain"
    hashed: bool = True

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.form not in FORMS:
            raise ValueError(f"{self.form!r} is none of the forms {', '.join(FORMS)}")
        if not self.hashed and self.field in ("email", "phone", "first_name", "last_name"):
            raise ValueError(f"a row for ads tools carries no plain {self.field}")
        return self

    @property
    def is_identifier(self) -> bool:
        """Whether the tool finds a person by it."""
        return self.field in ("email", "phone")


class Preset(BaseModel):
    """The file of one tool.

    Attributes:
        profile: which profile of exports it belongs to.
        documented_at: where the tool says what it takes, and when that was read.
        headers: of a merge field, what the tool calls it; others keep their names.
        omit: merge fields that the file lacks.
        one_identifier: whether the file may hold the identifier of the export only.
        last: the merge field whose column stands last; empty: all stand in their order.
        time_format: see `csv_text.time`.
        most_bytes: bytes after which the tool cuts a text; 0: none.
        columns: of the ads, all columns in order.
        least_persons: a list of fewer is never used by the tool: a warning.
        has_segments: whether there is the field `SEGMENTS`; set by the export, not by the file.
        has_variant: whether there is the field `VARIANT`; set by the settings, not by the file.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    profile: Profile
    documented_at: str
    headers: dict[str, str] = {}
    omit: Annotated[tuple[str, ...], Strict(False)] = ()
    one_identifier: bool = False
    last: str = ""
    time_format: str = "iso"
    most_bytes: Annotated[int, Field(ge=0)] = 0
    columns: Annotated[tuple[Column, ...], Strict(False)] = ()
    least_persons: Annotated[int, Field(ge=0)] = 0
    has_segments: bool = False
    has_variant: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.is_ads != bool(self.columns):
            raise ValueError("the presets of the ads have columns, and no others")
        if self.is_ads and not any(column.is_identifier for column in self.columns):
            raise ValueError("there is no column with an e-mail or a phone")
        merged = (*MERGE_FIELDS, SEGMENTS, VARIANT)
        known = SUPPRESSION_FIELDS if self.profile == "suppressions" else merged
        for name in (*self.headers, *self.omit, *filter(None, [self.last])):
            if self.is_ads or name not in known:
                raise ValueError(f"{name!r} is no field of the profile {self.profile}")
        if not self.is_ads:
            twice = [name for name, count in Counter(self.header(known)).items() if count > 1]
            if twice:
                raise ValueError(f"two columns would be called {twice[0]!r}")
        return self

    @property
    def is_ads(self) -> bool:
        """Whether it is the file of an ads tool, with hashes only."""
        return self.profile in ADS

    @property
    def attributes(self) -> list[str]:
        """The fields `attr_*` of profiles that columns of the ads have."""
        return [each.field for each in self.columns if each.field.startswith("attr_")]

    def fields(self, identifier: str) -> tuple[str, ...]:
        """The merge fields of the file in order, if people are found by `identifier`."""
        left_out = set(self.omit)
        if self.one_identifier:
            left_out.update(set(IDENTIFIERS) - {identifier})
        names = [*MERGE_FIELDS]
        names += [SEGMENTS] if self.has_segments else []
        names += [VARIANT] if self.has_variant else []
        return self._ordered(name for name in names if name not in left_out)

    def left_fields(self, identifier: str) -> tuple[str, ...]:
        """The fields of the file of those who left, in order."""
        if self.profile == "suppressions":
            return ("email",)
        return self._ordered((identifier, *LEFT_FIELDS))

    def header(self, fields: tuple[str, ...] = ()) -> list[str]:
        """The names of the columns: of these fields, or of the ads' own."""
        if self.is_ads:
            return [column.header for column in self.columns]
        return [self.headers.get(name, name) for name in fields]

    def _ordered(self, fields: object) -> tuple[str, ...]:
        return tuple(sorted(fields, key=lambda name: name == self.last))


# Profiles of which there is one tool only.
_OWN_PRESETS = {
    "google_customer_match": "google_customer_match",
    "meta_custom_audience": "meta_custom_audience",
    "suppressions": "suppressions",
}


def find_preset(profile: str, preset: str, export: str) -> Preset:
    """The preset of an export.

    Args:
        profile: of the export.
        preset: its name; `generic` is the profile's own.
        export: the name of the export, for the error.

    Raises:
        ComebackError: the profile has no such preset.
    """
    known = {name: each for name, each in presets().items() if each.profile == profile}
    name = _OWN_PRESETS.get(profile, preset) if preset == "generic" else preset
    if name not in known:
        names = ", ".join(sorted(known))
        raise ComebackError(
            f"the profile {profile} has no preset '{preset}'",
            f"[exports.{export}]",
            f"use one of: {names}",
        )
    return known[name]


@cache
def presets() -> Mapping[str, Preset]:
    """All presets by name, which is the name of the file.

    Raises:
        ComebackError: a file cannot be read as a preset.
    """
    return {path.stem: read_preset(path) for path in sorted(EXPORT_PRESETS.glob("*.toml"))}


def read_preset(path: Path) -> Preset:
    """The preset that a file describes.

    Raises:
        ComebackError: the file is no TOML or says something that no preset can say.
    """
    try:
        return Preset.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        place = ".".join(map(str, fault["loc"]))
        reason = f"{place}: {fault['msg']}" if place else fault["msg"]
    except ValueError as error:
        reason = f"no TOML, {error}"
    raise ComebackError(
        f"a preset cannot be read ({reason})",
        str(path),
        "correct it; orchestration/outputs/exports/presets.py says what a preset may say",
    )
