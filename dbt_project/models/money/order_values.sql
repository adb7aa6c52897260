-- What each order is worth in the reporting currency, at the rate of its time.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'affected_visitors': ['visitor_id']}}) }}

with

orders as (

    select * from {{ ref('order_events') }}
    where {{ is_in_this_run(ref('affected_visitors'), ['visitor_id']) }}

),

{{ order_values_base(
    'valued', is_in_this_run(ref('affected_visitors'), ['visitor_id']), ref('log_currency')
) }},

final as (

    select
        orders.order_key,
        orders.visitor_id,
        orders.event_at,
        orders.event_number,
        orders.session_number,
        orders.order_value,
        orders.currency,
        valued.order_value_base
    from orders
    left join valued on orders.order_key = valued.order_key

)

select * from final
