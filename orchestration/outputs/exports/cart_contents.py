"""What lies in carts at an hour, and what goes with it, as merge fields.

Belongs here: the lines of carts by what was known at the hour, and offers for them. Not here: whose
carts these are (`people`), nor how a field is written (`rows`).

The table `cart_lines` has carts as they stood last: an hour is exported some minutes after it, or
once more much later, when the log knows what came after.
"""

from datetime import datetime

import duckdb
import polars as pl

from orchestration.outputs.exports.presets import ALSO_BOUGHT, ITEMS

_FIELDS = {
    "id": "item_id",
    "name": "item_name",
    "quantity": "quantity",
    "price": "unit_price",
    "url": "item_url",
    "image": "image_url",
}
# The lines of `wanted_carts` by an hour, as the model `cart_lines` has them at the end of the log.
_LINES = """
        touched as (
            select cart_id, line_item_id, line_quantity, line_price, line_currency
            from main.cart_operations
            semi join wanted_carts using (cart_id)
            where is_touch and event_at <= $hour
            qualify row_number() over (
                partition by cart_id, line_item_id order by operation_number desc
            ) = 1
        ),
        lines as (
            select
                cart_id,
                nullif(line_item_id, '(unknown)') as item_id,
                cast(line_quantity as bigint) as quantity,
                line_price as unit_price,
                line_currency
            from touched
            where line_quantity > 0
        )"""


def cart_items(
    connection: duckdb.DuckDBPyConnection, carts: pl.DataFrame, hour: datetime
) -> pl.DataFrame:
    """What lies in carts, the dearest lines first; those of no known item can be shown last.

    Args:
        connection: the open warehouse.
        carts: cart_id, and currency: null where lines of several are in the cart.
        hour: the lines are those of the cart by then, at which it must be open.

    Returns:
        One row a cart that has lines: cart_id, item_count and the merge fields item_1_id ... A
        price in another currency than the cart's is null: the file says no other currency.
    """
    picked = ", ".join(
        f"any_value({column}) filter (place = {i}) as item_{i}_{name}"
        for i in range(1, ITEMS + 1)
        for name, column in _FIELDS.items()
    )
    connection.register("wanted_carts", carts.select("cart_id", "currency").cast(pl.String))
    found = connection.sql(
        f"""
        with {_LINES},
        shown as (
            select
                cart_id,
                item_id,
                quantity,
                case
                    when line_currency is null or line_currency = currency then unit_price
                end as unit_price
            from lines
            inner join wanted_carts using (cart_id)
        ),
        placed as (
            select
                cart_id,
                item_id,
                item_name,
                quantity,
                unit_price,
                item_url,
                image_url,
                row_number() over (
                    partition by cart_id
                    order by item_id is null, quantity * unit_price desc nulls last, item_id
                ) as place
            from shown
            left join (select item_id, item_name, item_url, image_url from main.items)
                using (item_id)
        )
        select cart_id, cast(count(*) as bigint) as item_count, {picked}
        from placed
        group by cart_id
        order by cart_id
        """,
        params={"hour": hour},
    ).pl()
    connection.unregister("wanted_carts")
    return found


def bought_with(
    connection: duckdb.DuckDBPyConnection, carts: pl.DataFrame, hour: datetime
) -> pl.DataFrame:
    """What is bought together with what lies in carts, and is not in them, best first.

    Args:
        connection: the open warehouse.
        carts: cart_id.
        hour: the lines are those of the cart by then.

    Returns:
        One row a cart of which something is known: cart_id and also_bought_1 ..., ids of items.
    """
    picked = ", ".join(
        f"any_value(other_item_id) filter (place = {i}) as also_bought_{i}"
        for i in range(1, ALSO_BOUGHT + 1)
    )
    connection.register("wanted_carts", carts.select("cart_id").cast(pl.String))
    found = connection.sql(
        f"""
        with {_LINES},
        offered as (
            select
                cart_id,
                other_item_id,
                row_number() over (
                    partition by cart_id
                    order by min(other_rank), max(confidence) desc, other_item_id
                ) as place
            from lines
            inner join main.also_bought using (item_id)
            where (cart_id, other_item_id) not in (
                select cart_id, item_id from lines where item_id is not null
            )
            group by cart_id, other_item_id
        )
        select cart_id, {picked}
        from offered
        where place <= {ALSO_BOUGHT}
        group by cart_id
        order by cart_id
        """,
        params={"hour": hour},
    ).pl()
    connection.unregister("wanted_carts")
    return found
