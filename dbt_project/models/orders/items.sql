-- Items for analysts and campaigns: how each is called and looks by its newest event, and what became of it.

with

known as (

    select
        item_id,
        {% for column in ['item_name', 'item_category', 'item_brand', 'item_url', 'image_url', 'price'] -%}
            max(newest_{{ column }}) as newest_{{ column }},
        {% endfor -%}
        sum(view_count) as view_count,
        sum(add_count) as add_count
    from {{ ref('item_days') }}
    where not is_retracted
    group by 1

),

bought as (

    select
        order_items.item_id,
        count(distinct order_items.order_key) as order_count
    from {{ ref('order_items') }} as order_items
    where {{ counts_as_bought('order_items') }}
    group by 1

),

abandoned as (

    select
        cart_lines.item_id,
        count(*) as cart_count
    from {{ ref('cart_lines') }} as cart_lines
    inner join {{ ref('carts') }} as carts on cart_lines.cart_id = carts.cart_id
    where carts.abandoned_at is not null
    group by 1

),

final as (

    select
        known.item_id,
        {% for column in ['item_name', 'item_category', 'item_brand', 'item_url', 'image_url'] -%}
            {{ struct_field('known.newest_' ~ column, 'known') }} as {{ column }},
        {% endfor -%}
        {{ struct_field('known.newest_price', 'known') }} as price,
        nullif({{ struct_field('known.newest_price', 'currency') }}, '') as currency,
        cast(known.view_count as bigint) as view_count,
        cast(known.add_count as bigint) as add_count,
        coalesce(bought.order_count, 0) as order_count,
        coalesce(abandoned.cart_count, 0) as abandoned_cart_count
    from known
    left join bought on known.item_id = bought.item_id
    left join abandoned on known.item_id = abandoned.item_id

)

select * from final
