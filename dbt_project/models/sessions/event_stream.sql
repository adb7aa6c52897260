-- Each visitor's events in order, cut into sessions, with running totals: what was known of the visitor then.

with

events as (

    select * from {{ ref('events') }}

),

orders as (

    select * from {{ ref('orders') }}

),

-- Passive events ride along: they tell the owner, but every total below counts activity only.
gapped as (

    select
        events.*,
        orders.order_key is not null as is_order,
        coalesce(orders.order_value, 0) as new_order_value,
        max(case when events.is_activity then events.event_at end) over (
            partition by events.visitor_id
            order by {{ event_order('events') }}
            rows between unbounded preceding and 1 preceding
        ) as previous_activity_at
    from events
    left join orders
        on
            events.source = orders.source
            and events.event_id = orders.event_id

),

cut as (

    select
        *,
        is_activity and (
            previous_activity_at is null
            or event_at > previous_activity_at + interval '{{ var("session_gap_minutes") }}' minute
        ) as is_session_start
    from gapped

),

numbered as (

    select
        *,
        row_number() over visitor_so_far as event_number,
        sum(cast(is_session_start as integer)) over visitor_so_far as session_number,
        max(case when is_session_start then event_at end) over visitor_so_far as session_started_at,
        max(case when is_session_start then previous_activity_at end) over visitor_so_far as previous_session_ended_at,
        max(case when is_activity then event_at end) over visitor_so_far as last_activity_at,
        min(case when is_activity then event_at end) over visitor_so_far as first_activity_at,
        lead(event_at) over (
            partition by visitor_id
            order by {{ event_order() }}
        ) as next_event_at
    from cut
    window visitor_so_far as (
        partition by visitor_id
        order by {{ event_order() }}
        rows between unbounded preceding and current row
    )

),

totalled as (

    select
        *,
        is_activity and not is_session_start as has_gap,
        {{ epoch_us('event_at') }} - {{ epoch_us('previous_activity_at') }} as gap_us,
        lag(event_type) over session_so_far as previous_type,
        item_id is not null and row_number() over (
            partition by visitor_id, session_number, item_id
            order by event_number
        ) = 1 as is_new_item
    from numbered
    window session_so_far as (
        partition by visitor_id, session_number
        order by event_number
    )

),

final as (

    select
        source,
        event_id,
        visitor_id,
        owner_id,
        event_at,
        event_rank,
        event_type,
        is_activity,
        is_order,
        new_order_value,
        item_id,
        page_url,
        referrer,
        utm_source,
        utm_medium,
        utm_campaign,
        device_type,
        country,
        event_number,
        session_number,
        is_session_start,
        session_started_at,
        previous_session_ended_at,
        last_activity_at,
        first_activity_at,
        coalesce(next_event_at > event_at, true) as is_last_at_instant,

        -- this session so far
        sum(cast(is_activity as integer)) over session_so_far as session_event_count,
        sum(cast(event_type = 'page_view' as integer)) over session_so_far as session_page_view_count,
        sum(cast(event_type = 'view_item' as integer)) over session_so_far as session_view_count,
        sum(cast(is_new_item as integer)) over session_so_far as session_distinct_item_count,
        sum(cast(event_type = 'add_to_cart' as integer)) over session_so_far as session_add_count,
        sum(cast(event_type = 'remove_from_cart' as integer)) over session_so_far as session_remove_count,
        sum(cast(event_type = 'search' as integer)) over session_so_far as session_search_count,
        sum(cast(event_type = 'add_to_wishlist' as integer)) over session_so_far as session_wishlist_count,
        sum(cast(event_type = 'view_cart' as integer)) over session_so_far as session_cart_view_count,
        max(case event_type
            when 'add_payment_info' then 3
            when 'add_shipping_info' then 2
            when 'begin_checkout' then 1
            else 0
        end) over session_so_far as session_checkout_step,
        sum(cast(is_order as integer)) over session_so_far as session_order_count,
        -- whole microseconds: a sum of fractions would depend on the order of adding
        sum(case when has_gap and previous_type = 'view_item' then gap_us else 0 end) over session_so_far
            as session_item_us,
        max(case when has_gap then gap_us else 0 end) over session_so_far as session_longest_gap_us,
        last_value(case when is_activity then event_type end ignore nulls) over session_so_far as last_event_type,
        last_value(case when has_gap then gap_us end ignore nulls) over session_so_far as last_gap_us,

        -- this visitor so far
        sum(cast(is_activity as integer)) over visitor_so_far as visitor_event_count,
        sum(cast(event_type = 'view_item' as integer)) over visitor_so_far as visitor_view_count,
        sum(cast(event_type = 'add_to_cart' as integer)) over visitor_so_far as visitor_add_count,
        sum(cast(event_type = 'begin_checkout' as integer)) over visitor_so_far as visitor_checkout_count,
        sum(cast(is_order as integer)) over visitor_so_far as visitor_order_count,
        sum(case when is_order then new_order_value else 0 end) over visitor_so_far as visitor_order_value,
        max(case when is_order then event_at end) over visitor_so_far as visitor_last_order_at,
        sum(case when event_type = 'view_item' then price else 0 end) over visitor_so_far as visitor_viewed_value,
        sum(cast(event_type = 'view_item' and price is not null as integer)) over visitor_so_far
            as visitor_priced_view_count,
        last_value(device_type ignore nulls) over visitor_so_far as last_device_type,
        last_value(country ignore nulls) over visitor_so_far as last_country,
        first_value(coalesce(utm_medium, '')) over session_so_far as session_utm_medium,
        first_value({{ url_domain('referrer') }}) over session_so_far as session_referrer_domain
    from totalled
    window
        session_so_far as (
            partition by visitor_id, session_number
            order by event_number
            rows between unbounded preceding and current row
        ),
        visitor_so_far as (
            partition by visitor_id
            order by event_number
            rows between unbounded preceding and current row
        )

)

select * from final
