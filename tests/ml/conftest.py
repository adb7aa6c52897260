"""Made-up shops whose truth is known."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from tests.ml.training import START


def make_snapshots(carts: int = 2500, days: float = 60, seed: int = 5) -> pl.DataFrame:
    """Snapshots at ages 0, 1 and 24 h whose true chance of abandoning is in ``truth``."""
    rng = np.random.default_rng(seed)
    started = rng.uniform(0, days * 24, carts)
    interest = rng.normal(size=carts)
    device = rng.choice(["mobile", "desktop", "tablet"], carts, p=[0.6, 0.3, 0.1])
    luck = rng.uniform(size=carts)
    frames = []
    for age in (0, 1, 24):
        idle_effect = 0.25 * np.log1p(age)
        logit = 0.9 - 1.3 * interest + 0.8 * (device == "mobile") + idle_effect
        truth = 1 / (1 + np.exp(-logit))
        touched = [START + timedelta(hours=float(h)) for h in started]
        frames.append(
            pl.DataFrame(
                {
                    "cart_id": [f"c{i:05d}" for i in range(carts)],
                    "visitor_id": [f"v{i % (carts // 2):05d}" for i in range(carts)],
                    "owner_id": [f"u{i}" if i % 3 == 0 else None for i in range(carts)],
                    "last_touched_at": touched,
                    "session_ended_at": touched,
                    "cart_value_base": rng.uniform(5, 200, carts),
                    "is_suspected_bot": [False] * carts,
                    "converts_within_horizon": luck >= truth,
                    "idle_hours": np.full(carts, float(age)),
                    "session_interest": interest,
                    "visitor_order_count": rng.poisson(0.3, carts),
                    "device_type": device,
                    "truth": truth,
                },
                schema_overrides={"owner_id": pl.String},
            ).with_columns(
                as_of=pl.col("last_touched_at") + timedelta(hours=age),
                cart_value_base=pl.col("cart_value_base").round(2).cast(pl.Decimal(18, 4)),
            )
        )
    return pl.concat(frames).sort("as_of", "cart_id")


def make_sessions(count: int = 2500, days: float = 40, seed: int = 6) -> pl.DataFrame:
    """Sessions of which some never return; those who like it return earlier."""
    rng = np.random.default_rng(seed)
    ended = np.sort(rng.uniform(0, days * 24, count))
    liking = rng.normal(size=count)
    # Cumulative hazard 0.35 (t / 24)^0.5, multiplied by exp(0.8 liking): proportional hazards.
    hazard = rng.exponential(size=count) / np.exp(0.8 * liking)
    back = 24 * (hazard / 0.35) ** 2
    followed = days * 24 - ended
    return pl.DataFrame(
        {
            "session_id": [f"s{i:05d}" for i in range(count)],
            "visitor_id": [f"v{i // 2:05d}" for i in range(count)],
            "owner_id": [None] * count,
            "ended_at": [START + timedelta(hours=float(h)) for h in ended],
            "duration_hours": np.minimum(back, followed),
            "is_returned": back <= followed,
            "session_liking": liking,
            "session_noise": np.where(rng.uniform(size=count) < 0.1, np.nan, liking**2),
            "session_constant": [1] * count,
        },
        schema_overrides={"owner_id": pl.String},
    ).with_columns(pl.col("session_noise").fill_nan(None))


@pytest.fixture(scope="session")
def snapshots() -> pl.DataFrame:
    return make_snapshots()


@pytest.fixture(scope="session")
def sessions() -> pl.DataFrame:
    return make_sessions()
