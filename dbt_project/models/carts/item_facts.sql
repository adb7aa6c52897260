-- Adds and bought lines of each item, and once more of the whole shop as the item (all).

with

operations as (

    select * from {{ ref('cart_operations') }}

),

cart_lines as (

    select * from {{ ref('cart_lines') }}

),

carts as (

    select * from {{ ref('carts') }}

),

facts as (

    select
        line_item_id as item_id,
        event_at,
        1 as new_add,
        0 as new_purchase
    from operations
    where operation = 'add'

    union all

    select
        cart_lines.item_id,
        carts.closed_at as event_at,
        0 as new_add,
        1 as new_purchase
    from cart_lines
    inner join carts on cart_lines.cart_id = carts.cart_id
    where carts.status = 'converted'

),

final as (

    select
        item_id,
        event_at,
        new_add,
        new_purchase
    from facts

    union all

    select
        '(all)' as item_id,
        event_at,
        new_add,
        new_purchase
    from facts

)

select * from final
