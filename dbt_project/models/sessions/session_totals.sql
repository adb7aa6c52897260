-- Sessions as their own events tell them; carts come to them later.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'touched_visitors': ['visitor_id']}}) }}

-- depends_on: {{ ref('former_sessions') }}

with

activity as (

    select * from {{ ref('events') }}
    where
        is_activity
        and {{ named_by(ref('touched_visitors'), ['visitor_id']) }}

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
        count(*) filter (event_type = 'view_item') as view_count,
        count(*) filter (event_type = 'add_to_cart') as add_count,
        count(*) filter (event_type = 'remove_from_cart') as remove_count,
        count(*) filter (event_type = 'begin_checkout') as checkout_count,
        arg_min(page_url, event_number) filter (page_url is not null) as landing_page,
        -- How the session came in: later referrers are the shop's own pages.
        max(referrer) filter (is_session_start) as first_referrer,
        -- The three belong together: they are those of the first event that names any of them.
        arg_min(
            { 'source': utm_source, 'medium': utm_medium, 'campaign': utm_campaign }, event_number
        ) filter (coalesce(utm_source, utm_medium, utm_campaign) is not null) as utm,
        arg_min(device_type, event_number) filter (device_type is not null) as device_type,
        arg_min(country, event_number) filter (country is not null) as country
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
        totals.* exclude (utm, first_referrer),  -- noqa: RF02
        coalesce(orders.order_count, 0) as order_count,
        coalesce(orders.order_value, 0) as order_value,
        {{ url_domain('totals.first_referrer') }} as referrer_domain,
        totals.utm['source'] as utm_source,
        totals.utm['medium'] as utm_medium,
        totals.utm['campaign'] as utm_campaign,
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
