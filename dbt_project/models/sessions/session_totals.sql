-- Sessions as the order of the log tells them, and the rows that tell the rest; carts come to them later.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'touched_visitors': ['visitor_id']}}) }}

-- depends_on: {{ ref('former_sessions') }}

with

activity as (

    select * from {{ touched_or_all(ref('touched_log'), ref('ordered_events')) }}
    where is_activity

),

totals as (

    select
        visitor_id,
        session_number,
        min(event_at) as started_at,
        max(event_at) as ended_at,
        arg_max(owner_id, event_number) as owner_id,
        max(event_number) as last_event_number,
        count(*) as event_count,
        count(*) filter (event_rank = {{ event_rank("'view_item'") }}) as view_count,
        count(*) filter (event_rank = {{ event_rank("'add_to_cart'") }}) as add_count,
        count(*) filter (event_rank = {{ event_rank("'remove_from_cart'") }}) as remove_count,
        count(*) filter (event_rank = {{ event_rank("'begin_checkout'") }}) as checkout_count,
        max(row_key) filter (is_session_start) as first_row_key,
        arg_min(row_key, event_number) filter ({{ tells('page') }}) as page_row_key,
        arg_min(row_key, event_number) filter ({{ tells('campaign') }}) as campaign_row_key,
        arg_min(row_key, event_number) filter ({{ tells('device') }}) as device_row_key,
        arg_min(row_key, event_number) filter ({{ tells('country') }}) as country_row_key
    from activity
    group by visitor_id, session_number

),

orders as (

    select
        visitor_id,
        session_number,
        count(*) as order_count,
        sum(order_value) as order_value
    from {{ ref('orders') }}
    where {{ named_by(ref('touched_visitors'), ['visitor_id']) }}
    group by visitor_id, session_number

),

final as (

    select
        {{ started_id('session', 'totals.visitor_id', 'totals.started_at') }} as session_id,
        totals.*,
        coalesce(orders.order_count, 0) as order_count,
        coalesce(orders.order_value, 0) as order_value,
        totals.event_count > {{ var('bot_event_count') }}
        or totals.ended_at > totals.started_at + interval '{{ var("bot_session_hours") }}' hour
            as is_suspected_bot
    from totals
    left join orders
        on
            totals.visitor_id = orders.visitor_id
            and totals.session_number = orders.session_number

)

select * from final
