"""The settings of money: the currency of sums, and what others are worth in it.

Belongs here: how they are written and checked. Not here: what they do (`dbt_project`), or the other
settings (`settings`).
"""

from decimal import Decimal
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    model_validator,
)

from orchestration.ground.currencies import CURRENCY_CODES
from orchestration.ground.settings_schema import InWords, Mark


def _currency(code: str) -> str:
    if code and code not in CURRENCY_CODES:
        raise ValueError(f"{code!r} is no currency code of ISO 4217 such as EUR")
    return code


def _rate(value: object) -> object:
    """A number of the file as the decimal that it was written as."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return value
    rate = Decimal(str(value))
    if not (rate.is_finite() and 0 < rate < 1_000_000 and rate == round(rate, 12)):
        raise ValueError(f"{value} is no rate: give {_RATE_IN_WORDS}")
    return rate


_RATE_IN_WORDS = "a number above 0 and below 1,000,000 with at most 12 decimals"
Currency = Annotated[str, AfterValidator(_currency), InWords("a code such as EUR, or nothing")]
Rate = Annotated[
    Decimal,
    BeforeValidator(_rate),
    PlainSerializer("{:f}".format, return_type=str, when_used="json"),
    InWords(_RATE_IN_WORDS),
]


class Money(BaseModel):
    """In which currency sums are, and what others are worth in it."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    reporting_currency: Annotated[Currency, Mark.LOG] = Field(
        "",
        description="The currency that gains, ranks and sums are in; if not set, the one of most"
        " orders of the log, else of most carts.",
    )
    rates: Annotated[dict[str, Rate], Mark.LOG] = Field(
        {},
        description="What one unit of a currency is worth in the reporting currency, while no rate"
        " of landing/exchange_rates is older.",
        examples=[{"JPY": 0.006}],
    )

    @model_validator(mode="after")
    def _check(self) -> "Money":
        for code in self.rates:
            if not _currency(code):
                raise ValueError("a rate needs a currency code of ISO 4217 such as EUR")
        if self.rates.get(self.reporting_currency, 1) != 1:
            raise ValueError(
                f"{self.reporting_currency} is the reporting currency: its rate is 1, always"
            )
        return self
