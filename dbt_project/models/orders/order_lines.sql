-- The items of each order, in the order in which its first purchase reports them.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'visitors_this_run': ['visitor_id']}}) }}

with

purchases as (

    select
        row_key,
        visitor_id,
        event_at,
        event_number,
        order_id,
        item_id,
        item_category,
        quantity,
        price,
        currency,
        {{ order_key() }} as order_key
    from {{ this_run_or_all(ref('log_this_run'), ref('events')) }}
    where event_type = 'purchase'

),

order_events as (

    select * from {{ ref('order_events') }}
    where {{ is_in_this_run(ref('visitors_this_run'), ['visitor_id']) }}

),

first_purchases as (

    select purchases.*
    from purchases
    inner join order_events
        on
            purchases.order_key = order_events.order_key
            and purchases.visitor_id = order_events.visitor_id
            and purchases.event_at = order_events.event_at

),

{{ items_of_orders(columns=['visitor_id'], described=['item_category']) }},

final as (

    select
        order_key,
        row_number() over (
            partition by order_key
            order by event_number, item_number
        ) as line_number,
        coalesce(item_id, '(unknown)') as item_id,
        item_category,
        {{ bought_units('quantity') }} as quantity,
        price as unit_price,
        currency,
        visitor_id
    from order_items
    where
        {{ bought_units('quantity') }} > 0
        and {{ names_what_was_bought() }}

)

select * from final
