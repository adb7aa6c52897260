-- What each order came to, by currency.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'visitors_this_run': ['visitor_id']}}) }}

with

orders as (

    select * from {{ ref('order_events') }}
    where {{ is_in_this_run(ref('visitors_this_run'), ['visitor_id']) }}

),

lines as (

    select * from {{ ref('order_lines') }}
    where
        unit_price is not null
        and {{ is_in_this_run(ref('visitors_this_run'), ['visitor_id']) }}

),

-- Lines of several currencies have no value together.
mixed as (

    select
        orders.order_key,
        orders.visitor_id,
        orders.event_at,
        lines.currency,
        sum(lines.quantity * lines.unit_price) as amount
    from orders
    inner join lines on orders.order_key = lines.order_key
    where orders.order_value is null
    group by orders.order_key, orders.visitor_id, orders.event_at, lines.currency

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
