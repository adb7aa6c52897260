"""What a shop may set of how long people's data is kept.

Belongs here: the table `[retention]` of `comeback.toml`. Not here: how long scores and exports are
kept (`settings`), or dropping what is too old (`privacy.expiry`).
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Retention(BaseModel):
    """How long delivered rows are kept; 0 keeps them for good."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    raw_events_months: Annotated[int, Field(ge=0, le=1200)] = Field(
        13,
        description="Months of events that are kept behind the newest; older ones go by whole"
        " months, and with them what was made of them. 0: for good.",
    )
    contact_data_days: Annotated[int, Field(ge=0, le=36_500)] = Field(
        30,
        description="Days after a person's last event or profile for which names and addresses are"
        " kept; what the person allows or refused stays, attributes as long as events. 0: for"
        " good.",
    )
