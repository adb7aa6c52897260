-- A cart's units, lines and value are the sums over its lines: two ways to the same figures must agree. Where its
-- prices are in several currencies they are not added, and it has no value.

with

lines as (

    select
        cart_id,
        sum(quantity) as item_quantity,
        count(*) as line_count,
        sum(quantity * unit_price) as cart_value,
        count(distinct coalesce(currency, '')) filter (where unit_price is not null) as currency_count
    from {{ ref('cart_lines') }}
    group by 1

)

select carts.cart_id
from {{ ref('carts') }} as carts
left join lines on carts.cart_id = lines.cart_id
where
    carts.item_quantity != coalesce(lines.item_quantity, 0)
    or carts.line_count != coalesce(lines.line_count, 0)
    or coalesce(carts.cart_value, 0) != case when lines.currency_count > 1 then 0 else coalesce(lines.cart_value, 0) end
    or (lines.currency_count > 1 and carts.cart_value is not null)
