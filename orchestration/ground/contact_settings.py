"""What a shop may set about contacts: the table `[contacts]` of `comeback.toml`.

Belongs here: the declaration. Not here: the other settings and the reading of the file
(`settings`), exports (`settings_exports`), or what follows from it (`ml.contact_timing`, the gates
of exports).
"""

from string import Formatter
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from ml.contact_timing import ContactTiming
from orchestration.ground.countries import code_in_settings
from orchestration.ground.settings_schema import InWords

Ratio = Annotated[float, Field(gt=0, le=1000)]
LocalHour = Annotated[int, Field(ge=0, le=23)]

_CART_URL_FIELDS = ("cart_id", "external_id")


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):
        raise ValueError(f"{name!r} is no time zone such as Europe/Berlin") from None
    return name


def _cart_url(pattern: str) -> str:
    try:
        fields = {field for _, field, _, _ in Formatter().parse(pattern) if field is not None}
    except ValueError as error:
        raise ValueError(f"the pattern of cart_url cannot be read ({error})") from None
    if unknown := sorted(fields - set(_CART_URL_FIELDS)):
        known = " and ".join(f"{{{each}}}" for each in _CART_URL_FIELDS)
        raise ValueError(f"cart_url knows {known}, not {{{unknown[0]}}}")
    if pattern and not pattern.startswith(("https://", "http://")):
        raise ValueError("cart_url must begin with https:// or http://")
    return pattern


class Contacts(BaseModel):
    """When a contact is planned, how often a person is contacted, and what of the shop it names."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    floor_hours: Annotated[float, Field(ge=0, le=876_000)] = Field(
        ContactTiming.floor_hours,
        description="Nobody is contacted earlier after the end of the session.",
    )
    cap_hours: Annotated[float, Field(ge=0, le=876_000)] = Field(
        ContactTiming.cap_hours, description="No contact is planned later after it."
    )
    replan_share: Annotated[float, Field(ge=0, le=1000)] = Field(
        ContactTiming.replan_share,
        description="Another model changes a plan that is not due only where the gain differs by"
        " more than this share.",
    )
    delay_odds_ratios: dict[str, Ratio] = Field(
        {f"{hours:g}": ratio for hours, ratio in ContactTiming.delay_odds_ratios},
        description="By hours since the session's end, what the delay does to the odds ratio of a"
        " nudge: below 1 it does less or harms.",
    )

    cooldown_hours: Annotated[int, Field(ge=0, le=8760)] = Field(
        24, description="Hours after a contact in which there is no other."
    )
    most_in_7_days: Annotated[int, Field(ge=1, le=1000)] = Field(
        3, description="Contacts of one person within seven days."
    )
    quiet_from: LocalHour = Field(
        22, description="Hour of the person's day from which nobody is contacted."
    )
    quiet_until: LocalHour = Field(
        8, description="Hour until which that lasts; the same hour: there are no quiet hours."
    )
    time_zone: Annotated[str, AfterValidator(_zone), InWords("a zone such as Europe/Berlin")] = (
        Field(
            "UTC",
            description="The shop's time zone: for people of whom none is known, for the hour, the"
            " weekday and the holidays that models learn from, and for its calendar of sales.",
        )
    )
    country: Annotated[
        str,
        Field(pattern=r"^([A-Z]{2})?$"),
        AfterValidator(code_in_settings),
        InWords("a country's code such as DE, or nothing"),
    ] = Field(
        "",
        description="The shop's country: whose phone numbers are written without a prefix, and"
        " whose public holidays models learn from where a shopper's country is not known. If not"
        " set, only numbers with a + or of people whose country is known can be read.",
    )
    cart_url: Annotated[str, AfterValidator(_cart_url), InWords("an address, or nothing")] = Field(
        "",
        description="Address of a person's cart in the shop; {cart_id} and {external_id} stand for"
        " theirs, as in https://shop.example/cart?user={external_id}.",
    )

    @model_validator(mode="after")
    def _check(self) -> "Contacts":
        _ = self.timing
        return self

    @property
    def timing(self) -> ContactTiming:
        """The same as the models take it."""
        try:
            ratios = sorted((float(hour), ratio) for hour, ratio in self.delay_odds_ratios.items())
        except ValueError:
            raise ValueError("delay_odds_ratios need hours such as 24") from None
        return ContactTiming(self.floor_hours, self.cap_hours, self.replan_share, tuple(ratios))
