"""What a shop may set of how people are judged.

Belongs here: the tables `[engagement]` and `[levels]` of `comeback.toml`. Not here: the SQL and the
models that follow them (`dbt_project/macros/people/engagement.sql`, `ml.people`).
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=0.5)]
Points = Annotated[float, Field(ge=0, le=1000)]


class Engagement(BaseModel):
    """What a session is worth in a person's engagement_score."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    days: Annotated[int, Field(ge=1, le=396)] = Field(
        30, description="Sessions that ended within these days before the hour count."
    )
    half_life_days: Annotated[float, Field(ge=0.1, le=10_000)] = Field(
        7.0, description="After so many days a session is worth half."
    )
    points: Points = Field(1.0, description="What every session is worth.")
    long_minutes: Annotated[int, Field(ge=0, le=100_000)] = Field(
        5, description="A longer session is worth more."
    )
    long_points: Points = Field(1.0, description="So much more.")
    many_views: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        7, description="A session of more pages and items viewed is worth more."
    )
    many_views_points: Points = Field(1.0, description="So much more.")
    add_points: Points = Field(
        1.0, description="What an add to cart in the session is worth, however many there are."
    )


class Levels(BaseModel):
    """Which share of the people is high, and which is medium after these."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    intent_high: Share = Field(
        0.1, description="Share of people whose intent_level is high: the likeliest."
    )
    intent_medium: Share = Field(
        0.3, description="Share of people after these whose intent is medium."
    )
    value_high: Share = Field(0.2, description="Share of people whose value_tier is high.")
    value_medium: Share = Field(
        0.3, description="Share of people after these whose value is medium."
    )
