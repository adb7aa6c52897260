"""What a shop may set of its exports.

Belongs here: the tables `[exports.<name>]` of `comeback.toml`. Not here: when and how often a
person is contacted (`contact_settings`), what a tool's file looks like (`outputs.exports.presets`).
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict

from orchestration.ground.settings_schema import InWords

_STRICT = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)
_ADS = ("google_customer_match", "meta_custom_audience", "hashed_audience")

Profile = Annotated[
    Literal[
        "email", "google_customer_match", "meta_custom_audience", "hashed_audience", "suppressions"
    ],
    InWords(f"one of email, {', '.join(_ADS)}, suppressions"),
]
Identifier = Annotated[Literal["email", "external_id"], InWords("one of email, external_id")]
Segment = Annotated[
    Literal["on_the_fence", "likely_to_purchase", "unlikely_to_purchase"],
    InWords("one of on_the_fence, likely_to_purchase, unlikely_to_purchase"),
]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$"), InWords("a country's code such as DE")]


class Export(BaseModel):
    """One file for one tool, in full and as what changed."""

    model_config = _STRICT

    profile: Profile = Field(description="What kind of tool the file is for.")
    preset: Annotated[str, Field(pattern=r"\S"), InWords("the name of a preset")] = Field(
        "generic",
        description="The tool: of email generic, klaviyo, mailchimp, braze, hubspot, customerio or"
        " sfmc; of hashed_audience tiktok, microsoft, linkedin, pinterest, snap or reddit.",
    )
    identifier: Identifier = Field(
        "email", description="By what the e-mail tool finds a person; external_id is your user id."
    )
    segments: Annotated[tuple[Segment, ...], Strict(False)] = Field(
        ("on_the_fence",), description="Whom a list of the ads holds."
    )
    window_days: Annotated[int, Field(ge=1, le=540)] = Field(
        7, description="A person stays on a list of the ads for so long after the last score."
    )
    full_every_hours: Annotated[int, Field(ge=0, le=8760)] = Field(
        0,
        description="Hours after which people are added again; in between they only leave."
        " 0: a day for the ads, else an hour.",
    )
    hourly_capacity: Annotated[int, Field(ge=1, le=1_000_000_000)] = Field(
        1_000_000, description="Persons that are contacted in one hour at most, best first."
    )
    most_removed_share: Annotated[float, Field(gt=0, le=1)] = Field(
        0.3,
        description="If a greater share of the list would leave at once, it stays as it is until"
        " comeback run --accept-removals; withdrawals and erasures do not count.",
    )
    countries_without_consent: Annotated[tuple[Country, ...], Strict(False)] = Field(
        (), description="Countries in which the ads need no consent; everywhere else they do."
    )

    @property
    def is_ads(self) -> bool:
        """Whether it is a list of hashes for ads, and no contact at a time."""
        return self.profile in _ADS

    @property
    def hours_between_full(self) -> int:
        """Hours after which people are added again."""
        return self.full_every_hours or (24 if self.is_ads else 1)


def _file_names(exports: Mapping[str, Export]) -> Mapping[str, Export]:
    for name in exports:
        if not (name.isascii() and name.replace("_", "").replace("-", "").isalnum()):
            raise ValueError(f"{name!r} is no name of an export: files are called so")
        if len(name) > 60 or name != name.lower():
            raise ValueError(f"{name!r} is no name of an export: at most 60 small letters")
    return exports


Exports = Annotated[dict[str, Export], AfterValidator(_file_names)]

DEFAULT_EXPORTS = {
    "email": Export(profile="email"),
    "google": Export(profile="google_customer_match"),
    "meta": Export(profile="meta_custom_audience"),
    "suppressions": Export(profile="suppressions"),
}
