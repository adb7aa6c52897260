-- Orders for analysts: what each came to, what was given back, and the cart it took.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'affected_visitors': ['visitor_id']}}) }}

with

order_events as (

    select * from {{ ref('order_events') }}
    where {{ is_in_this_run(ref('affected_visitors'), ['visitor_id']) }}

),

session_totals as (

    select * from {{ ref('session_totals') }}
    where {{ is_in_this_run(ref('affected_visitors'), ['visitor_id']) }}

),

carts as (

    select
        order_key,
        visitor_id,
        cart_id
    from {{ ref('cart_operations') }}
    where
        operation = 'order'
        and {{ is_in_this_run(ref('affected_visitors'), ['visitor_id']) }}

),

order_values as (

    select * from {{ ref('order_values') }}
    where {{ is_in_this_run(ref('affected_visitors'), ['visitor_id']) }}

),

line_totals as (

    select
        order_key,
        count(*) as line_count,
        sum(quantity) as item_quantity
    from {{ ref('order_lines') }}
    where {{ is_in_this_run(ref('affected_visitors'), ['visitor_id']) }}
    group by 1

),

-- Whoever reports a refund: a shop's back office knows no visitor.
refunds as (

    select
        order_id,
        order_value,
        currency
    from {{ ref('events') }}
    where
        event_type = 'refund'
        and order_value is not null
        and order_id in (select order_events.order_id from order_events)

),

-- In the currency of the order, or in none: two currencies are not added.
refunded as (

    select
        order_events.order_key,
        sum(refunds.order_value) as refunded_value
    from order_events
    inner join refunds on order_events.order_id = refunds.order_id
    where coalesce(refunds.currency, order_events.currency, '') = coalesce(order_events.currency, '')
    group by 1

),

final as (

    select
        order_events.order_key,
        order_events.order_id,
        order_events.visitor_id,
        order_events.owner_id,
        session_totals.session_id,
        carts.cart_id,
        order_events.event_at as ordered_at,
        order_events.order_value,
        order_events.currency,
        order_values.order_value_base,
        cast(refunded.refunded_value as decimal(38, 4)) as refunded_value,
        coalesce(line_totals.line_count, 0) as line_count,
        cast(coalesce(line_totals.item_quantity, 0) as bigint) as item_quantity
    from order_events
    left join session_totals
        on
            order_events.visitor_id = session_totals.visitor_id
            and order_events.session_number = session_totals.session_number
    left join carts
        on
            order_events.visitor_id = carts.visitor_id
            and order_events.order_key = carts.order_key
    left join line_totals on order_events.order_key = line_totals.order_key
    left join order_values on order_events.order_key = order_values.order_key
    left join refunded on order_events.order_key = refunded.order_key

)

select * from final
