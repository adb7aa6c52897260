-- What each order came to, by currency.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'visitors_this_run': ['visitor_id']}}) }}

with

orders as (

    select * from {{ ref('orders') }}
    where {{ is_in_this_run(ref('visitors_this_run'), ['visitor_id']) }}

),

purchases as (

    select
        visitor_id,
        event_at,
        order_id,
        currency,
        quantity,
        price
    from {{ this_run_or_all(ref('log_this_run'), ref('events')) }}
    where
        event_type = 'purchase'
        and price is not null

),

-- Only those whose rows mix currencies have to be looked at row by row.
mixed as (

    select
        orders.order_key,
        orders.visitor_id,
        orders.event_at,
        purchases.currency,
        sum(cast(greatest(coalesce(purchases.quantity, 1), 0) as bigint) * purchases.price) as amount
    from orders
    inner join purchases
        on
            orders.visitor_id = purchases.visitor_id
            and orders.event_at = purchases.event_at
            and coalesce(orders.order_id, '') = coalesce(purchases.order_id, '')
    where orders.order_value is null
    group by orders.order_key, orders.visitor_id, orders.event_at, purchases.currency

),

final as (

    select
        order_key,
        visitor_id,
        event_at,
        currency,
        order_value as amount
    from orders
    where order_value is not null

    union all

    select
        order_key,
        visitor_id,
        event_at,
        currency,
        cast(amount as decimal(38, 4)) as amount
    from mixed

)

select * from final
