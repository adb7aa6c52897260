-- A cart's units, lines and value are the sums over its lines: two ways to the same figures must agree.

with

lines as (

    select
        cart_id,
        sum(quantity) as item_quantity,
        count(*) as line_count,
        sum(quantity * unit_price) as cart_value
    from {{ ref('cart_lines') }}
    group by 1

)

select carts.cart_id
from {{ ref('carts') }} as carts
left join lines on carts.cart_id = lines.cart_id
where
    carts.item_quantity != coalesce(lines.item_quantity, 0)
    or carts.line_count != coalesce(lines.line_count, 0)
    or coalesce(carts.cart_value, 0) != coalesce(lines.cart_value, 0)
