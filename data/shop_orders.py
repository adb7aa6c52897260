"""What orders say they bought: the list of items that a purchase brings, for most of them.

Belongs here: which items an order is of, and how they are written. Does not belong here: that it is
made, and what it comes to (`shop_events`).
"""

import numpy as np
import polars as pl

from data.shop_catalogue import Catalogue
from data.shop_events import TYPES, VisitEvents, money
from data.shop_law import ShopLaw
from data.shop_visits import STEP, Visits


def listed_items(
    law: ShopLaw, visits: Visits, recorded: VisitEvents, catalogue: Catalogue, seed: int
) -> pl.DataFrame:
    """List what was bought, as JSON: `order` and `items`, a row for each order that says it.

    Of a cart: what was put in less what was taken off, each at the price it had then; of an order
    without one the item that the visit was about.
    """
    codes = recorded.codes.with_columns(
        decision=visits.decision[recorded.visit], about=visits.item[recorded.visit]
    )
    orders = codes.filter(pl.Series(recorded.step == STEP["purchase"]))
    is_silent = np.random.default_rng([seed, 13]).random(len(orders)) < law.silent_order_share
    orders = orders.filter(pl.Series(~is_silent))
    is_add = pl.col("type") == TYPES.index("add_to_cart")
    moves = codes.filter(is_add | pl.Series(recorded.step == STEP["take_off"]))
    of_carts = (
        moves.drop("order")
        .join(
            orders.filter(pl.col("decision") >= 0).select("decision", "order"),
            on="decision",
            maintain_order="left",
        )
        .group_by("order", "item", "cents", maintain_order=True)
        .agg(units=pl.when(is_add).then("quantity").otherwise(-pl.col("quantity")).sum())
        .filter(pl.col("units") > 0)
    )
    of_none = orders.filter(pl.col("decision") < 0).select(
        "order", item="about", cents="order_cents", units=pl.lit(1, pl.Int64)
    )
    lines = pl.concat([of_carts, of_none])
    ids = pl.Series(catalogue.ids).gather(lines["item"])
    text = pl.format(
        '{{"item_id": "{}", "quantity": {}, "price": {}}}', ids, "units", money(lines["cents"])
    )
    lists = lines.select("order", text=text).group_by("order", maintain_order=True)
    return lists.agg(items="[" + pl.col("text").str.join(", ") + "]")
