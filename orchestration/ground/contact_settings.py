"""What a shop may set about the time of a contact: the table `[contacts]` of `comeback.toml`.

Belongs here: the declaration. Not here: the other settings and the reading of the file
(`settings`), or what follows from it (`ml.contact_timing`).
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ml.contact_timing import ContactTiming

Ratio = Annotated[float, Field(gt=0, le=1000)]


class Contacts(BaseModel):
    """When a contact is planned."""

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
