"""Carts to decide on, for the tests of decisions, contact timing and the holdout."""

from datetime import datetime, timedelta
from decimal import Decimal

import polars as pl

from ml.decision import Economics, decide

AS_OF = datetime.fromisoformat("2026-03-10T12:00")
KEY = b"a secret of the shop"
# Five cents a contact, so that the sums of the tests can be followed.
CHEAP = Economics(reminder_cost=0.05, incentive_cost=0.05)


def carts(rows: list[dict]) -> pl.DataFrame:
    """One cart a row; by default an hour idle, of no known owner, back within the day."""
    defaults = {
        "owner_id": None,
        "as_of": AS_OF,
        "last_touched_at": AS_OF - timedelta(hours=1),
        "session_ended_at": AS_OF - timedelta(hours=1),
        "cart_value_base": Decimal(100),
        "is_rate_lacking": False,
        "p_abandon": 0.5,
        "p_return_4h": 0.1,
        "p_return_8h": 0.2,
        "p_return_24h": 0.6,
        "p_return_72h": 0.7,
        "p_return_168h": 0.8,
        "return_share_hours": 10.0,
    }
    return pl.DataFrame(
        [
            {"cart_id": f"c{i}", "visitor_id": f"v{i}"} | defaults | row
            for i, row in enumerate(rows)
        ],
        schema_overrides={
            "owner_id": pl.String,
            "cart_value_base": pl.Decimal(38, 4),
            "last_touched_at": pl.Datetime("us"),
            "session_ended_at": pl.Datetime("us"),
            "return_share_hours": pl.Float64,
        },
        infer_schema_length=None,
    )


def decided(rows: list[dict], economics: Economics = CHEAP, **settings_) -> pl.DataFrame:
    """What is decided about carts of these rows."""
    return decide(carts(rows), economics, holdout_key=KEY, **settings_)
