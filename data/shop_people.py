"""Who the people are that visit the shop: latent traits, and the devices they come with.

Belongs here: one row a person, drawn once. Does not belong here: their visits (`shop_visits`).
"""

from dataclasses import dataclass

import numpy as np

from data.shop_law import Flags, Floats, Ints, SeasonClock, ShopLaw, sigmoid

MAX_DEVICES = 3


@dataclass(frozen=True)
class People:
    """Latent traits, one entry a person; `devices` counts their visitor ids."""

    intent: Floats
    sensitivity: Floats
    forgetfulness: Floats
    never: Floats
    quick: Floats
    quick_median: Floats
    slow_median: Floats
    devices: Ints
    has_account: Flags
    first_visit: Floats  # hours since the opening

    def __len__(self) -> int:
        """Count the people."""
        return len(self.intent)


def draw_people(law: ShopLaw, count: int, hours: float, clock: SeasonClock, seed: int) -> People:
    """Draw `count` people who first come within `hours` of the opening."""
    rng = np.random.default_rng([seed, 1])
    intent = rng.standard_normal(count)
    engagement = 0.6 * intent + 0.8 * rng.standard_normal(count)
    more = rng.random(count)
    devices = 1 + (more < law.second_device_share + law.third_device_share)
    devices += more < law.third_device_share
    return People(
        intent=intent,
        sensitivity=rng.lognormal(0.0, law.sensitivity_sigma, count),
        forgetfulness=rng.standard_normal(count),
        never=sigmoid(_logit(law.never_share) - law.never_spread * engagement),
        quick=sigmoid(_logit(law.quick_share) + law.quick_spread * rng.standard_normal(count)),
        quick_median=law.quick_median_hours * rng.lognormal(0.0, law.median_sigma, count),
        slow_median=law.slow_median_hours * rng.lognormal(0.0, law.median_sigma, count),
        devices=devices.astype(np.int64),
        has_account=rng.random(count) < law.account_share,
        first_visit=clock.hours(rng.random(count) * clock.season(np.asarray(hours))),
    )


def device_kind(law: ShopLaw, person: Ints, device: Ints) -> Ints:
    """0 mobile, 1 desktop, 2 tablet; a device stays what it is (golden ratio, not a draw)."""
    share = ((person * MAX_DEVICES + device) * 0.6180339887498949) % 1.0
    return np.where(share < law.mobile_share, 0, np.where(share < 1 - law.tablet_share, 1, 2))


def _logit(share: float) -> float:
    return float(np.log(share / (1.0 - share)))
