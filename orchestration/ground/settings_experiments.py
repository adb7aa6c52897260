"""What a shop may set of experiments among people who are contacted.

Belongs here: the tables `[experiments.<name>]` of `comeback.toml`. Not here: the holdout, who is in
which arm (`modelling.experiment_arms`), or what came of it (`modelling.experiment_results`).
"""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, model_validator

from orchestration.ground.settings_exports import Country
from orchestration.ground.settings_schema import InWords

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$"), InWords("a word of small letters")]
Action = Annotated[
    Literal["", "reminder", "incentive"], InWords("reminder, incentive or nothing for the plan's")
]
Share = Annotated[float, Field(gt=0, le=1e6)]
Delay = Annotated[float, Field(ge=0, le=720)]


class Experiment(BaseModel):
    """One experiment. What is given for each arm stands in the order of the arms."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    arms: Annotated[tuple[Name, ...], Strict(False)] = Field(
        description="Names of the arms, the control first; the merge field variant says which."
    )
    shares: Annotated[tuple[Share, ...], Strict(False)] = Field(
        (), description="How people are shared out among the arms; empty: equally."
    )
    actions: Annotated[tuple[Action, ...], Strict(False)] = Field(
        (), description="What each arm is sent (cart_action); empty: what the plan says."
    )
    delay_hours: Annotated[tuple[Delay, ...], Strict(False)] = Field(
        (), description="How much later than planned each arm is contacted; empty: no later."
    )
    segments: Annotated[tuple[Name, ...], Strict(False)] = Field(
        (), description="Whom it takes: members of one of these segments of people; empty: all."
    )
    countries: Annotated[tuple[Country, ...], Strict(False)] = Field(
        (), description="Whom it takes: people of these countries; empty: all."
    )
    least_effect: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.02,
        description="The least difference, of the shares of people who order within seven days,"
        " that is worth finding; how many people are needed follows from it.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.arms) < 2 or len(set(self.arms)) < len(self.arms):
            raise ValueError("arms needs two names or more, all different")
        for name in ("shares", "actions", "delay_hours"):
            if getattr(self, name) and len(getattr(self, name)) != len(self.arms):
                raise ValueError(f"{name} needs one value for each of the {len(self.arms)} arms")
        return self

    @property
    def weights(self) -> tuple[float, ...]:
        """The share of each arm; they need not add up to 1."""
        return self.shares or (1.0,) * len(self.arms)

    def action(self, arm: int) -> str | None:
        """What an arm is sent; None: what the plan says."""
        return (self.actions[arm] or None) if self.actions else None

    def delay(self, arm: int) -> float:
        """How many hours later than planned an arm is contacted."""
        return self.delay_hours[arm] if self.delay_hours else 0.0


def _named(experiments: Mapping[str, Experiment]) -> Mapping[str, Experiment]:
    for name in experiments:
        if not (name.isascii() and name.replace("_", "").isalnum() and name == name.lower()):
            raise ValueError(f"{name!r} is no name of an experiment: small letters and _")
    return experiments


Experiments = Annotated[dict[str, Experiment], AfterValidator(_named)]
