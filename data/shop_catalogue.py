"""What the shop sells and what its people and machines are called.

Belongs here: items with their categories, brands and prices, and the pseudonyms of visitors and
users. Does not belong here: who wants which item (`shop_visits`), or what an event says of it
(`shop_events`).
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from data.shop_law import Floats, Ints, ShopLaw

CATEGORIES = (
    *("shoes", "bags", "dresses", "shirts", "trousers", "coats"),
    *("jewellery", "watches", "sport", "kitchen", "garden", "toys"),
)  # fmt: skip
BRANDS = ("aster", "birch", "cobalt", "dune", "ember", "fjord", "grove", "haven")
ODD = 0x9E3779B97F4A7C15  # odd, so that multiplying by it is one-to-one modulo a power of two


@dataclass(frozen=True)
class Catalogue:
    """Items, best known first; `cents` is (items x days), what an item costs on a day."""

    category: Ints
    brand: Ints
    cents: Ints

    def price(self, item: Ints, hours: Floats) -> Ints:
        """Cents of each `item` at `hours` after the opening."""
        day = np.minimum((hours / 24.0).astype(np.int64), self.cents.shape[1] - 1)
        return self.cents[item, day]

    @property
    def ids(self) -> list[str]:
        """What events call the items."""
        return [f"i{1000 + number}" for number in range(len(self.cents))]


@dataclass(frozen=True)
class Names:
    """Pseudonyms: of visitors (people x devices, then machines) and of users."""

    visitors: pl.Series
    users: pl.Series


def draw_catalogue(law: ShopLaw, days: int, seed: int) -> Catalogue:
    """Draw the items and a walk of their prices; every price stays between 2 and 2,000."""
    rng = np.random.default_rng([seed, 4])
    base = rng.normal(np.log(law.price_median), law.price_sigma, law.item_count)
    changes = rng.random((law.item_count, days)) < law.price_change_share
    shifts = changes * rng.normal(0.0, law.price_change_sigma, (law.item_count, days))
    prices = np.exp(base[:, None] + np.cumsum(shifts, axis=1)).clip(2.0, 2000.0)
    return Catalogue(
        category=rng.integers(0, len(CATEGORIES), law.item_count),
        brand=rng.integers(0, len(BRANDS), law.item_count),
        cents=np.round(prices * 100).astype(np.int64),
    )


def draw_names(people: int, visitors: int, seed: int) -> Names:
    """Draw 16 hexadecimal digits a visitor, ten decimal ones a user; all distinct."""
    mask = int(np.random.default_rng([seed, 5]).integers(0, 2**63))
    visitor_ids = [f"{_scatter(number, 64) ^ mask:016x}" for number in range(visitors)]
    user_ids = [f"u{_scatter(number, 32):010d}" for number in range(people)]
    return Names(pl.Series(visitor_ids, dtype=pl.String), pl.Series(user_ids, dtype=pl.String))


def alike(catalogue: Catalogue, item: Ints, rng: np.random.Generator) -> Ints:
    """Draw an item for each: the same one, one of its category, or any, best known first."""
    items = len(catalogue.cents)
    anything = (rng.random(item.shape) ** 2.0 * items).astype(np.int64)
    by_category = np.argsort(catalogue.category, kind="stable")
    sizes = np.bincount(catalogue.category, minlength=len(CATEGORIES))
    starts = np.cumsum(sizes) - sizes
    category = catalogue.category[item]
    rank = (rng.random(item.shape) * sizes[category]).astype(np.int64)
    akin = by_category[starts[category] + rank]
    dice = rng.random(item.shape)
    return np.where(dice < 0.15, item, np.where(dice < 0.65, akin, anything))


def companion(catalogue: Catalogue, item: Ints) -> Ints:
    """Give for each the item that goes with it: the next best known of its category."""
    by_category = np.argsort(catalogue.category, kind="stable")
    follower = np.roll(by_category, -1)
    is_last = catalogue.category[follower] != catalogue.category[by_category]
    first = np.searchsorted(catalogue.category[by_category], catalogue.category[by_category])
    goes_with = np.empty(len(by_category), np.int64)
    goes_with[by_category] = np.where(is_last, by_category[first], follower)
    return goes_with[item]


def _scatter(number: int, bits: int) -> int:
    return (number + 1) * ODD % 2**bits
