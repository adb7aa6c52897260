-- What each order bought: the items that it names, or where it names none those of the carts that it closed.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'visitors_this_run': ['visitor_id']}}) }}

with

order_lines as (

    select * from {{ ref('order_lines') }}

),

-- The order that closed each cart, on whichever device, where it does not say itself what it bought.
bought_carts as (

    select
        order_key,
        cart_id
    from {{ ref('cart_operations') }}
    where
        is_order
        and {{ is_in_this_run(ref('visitors_this_run'), ['visitor_id']) }}
        and order_key not in (
            select order_lines.order_key
            from order_lines
            where order_lines.item_id != '(unknown)'
        )

),

-- What the adds of a cart said of its items last.
cart_categories as (

    select
        cart_id,
        line_item_id as item_id,
        max_by(item_category, operation_number) as item_category
    from {{ ref('cart_operations') }}
    where
        operation = 'add'
        and item_category is not null
        and {{ keys_in('bought_carts', ['cart_id']) }}
    group by 1, 2

),

final as (

    select
        order_key,
        visitor_id,
        cast(null as string) as cart_id,
        line_number,
        item_id,
        item_category,
        quantity,
        unit_price,
        currency
    from order_lines
    where {{ is_in_this_run(ref('visitors_this_run'), ['visitor_id']) }}

    union all

    select
        bought_carts.order_key,
        cart_lines.visitor_id,
        cart_lines.cart_id,
        row_number() over (
            partition by cart_lines.cart_id
            order by cart_lines.item_id
        ) as line_number,
        cart_lines.item_id,
        cart_categories.item_category,
        cart_lines.quantity,
        cart_lines.unit_price,
        cart_lines.currency
    from bought_carts
    inner join {{ ref('cart_lines') }} as cart_lines on bought_carts.cart_id = cart_lines.cart_id
    left join cart_categories
        on
            cart_lines.cart_id = cart_categories.cart_id
            and cart_lines.item_id = cart_categories.item_id

)

select * from final
