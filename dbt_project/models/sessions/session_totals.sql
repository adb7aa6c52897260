-- Sessions as their own events tell them; carts come to them later.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'touched_visitors': ['visitor_id']}}) }}

-- depends_on: {{ ref('former_sessions') }}

with

activity as (

    select
        events.visitor_id,
        events.session_number,
        events.event_number,
        events.owner_id,
        events.event_at,
        events.event_type,
        events.is_session_start,
        events.page_url,
        events.referrer,
        events.utm_source,
        events.utm_medium,
        events.utm_campaign,
        events.device_type,
        events.country,
        orders.order_key is not null as is_order,
        coalesce(orders.order_value, 0) as new_order_value
    from {{ ref('events') }} as events
    left join {{ ref('orders') }} as orders
        on
            events.visitor_id = orders.visitor_id
            and events.event_number = orders.event_number
    where
        events.is_activity
        and {{ named_by(ref('touched_visitors'), ['events.visitor_id']) }}

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
        count(*) filter (is_order) as order_count,
        sum(new_order_value) as order_value,
        arg_min(page_url, event_number) filter (page_url is not null) as landing_page,
        -- How the session came in: later referrers are the shop's own pages.
        max(referrer) filter (is_session_start) as first_referrer,
        -- The three belong together: they are those of the first event that names any of them.
        min(event_number) filter (coalesce(utm_source, utm_medium, utm_campaign) is not null) as utm_event_number,
        arg_min(device_type, event_number) filter (device_type is not null) as device_type,
        arg_min(country, event_number) filter (country is not null) as country
    from activity
    group by visitor_id, session_number

),

final as (

    select
        {{ started_id('session', 'totals.visitor_id', 'totals.started_at') }} as session_id,
        totals.* exclude (utm_event_number, first_referrer),  -- noqa: RF02
        {{ url_domain('totals.first_referrer') }} as referrer_domain,
        activity.utm_source,
        activity.utm_medium,
        activity.utm_campaign,
        totals.event_count > {{ var('bot_event_count') }}
        or totals.ended_at > totals.started_at + interval '{{ var("bot_session_hours") }}' hour
            as is_suspected_bot
    from totals
    left join activity
        on
            totals.visitor_id = activity.visitor_id
            and totals.utm_event_number = activity.event_number

)

select * from final
