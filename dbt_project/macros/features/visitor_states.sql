{#-
    What belongs here: what was known at each event, of a visitor and of a person over all devices. Not here: features,
    which are made of it (visitor_features.sql, cart_snapshots.sql).
-#}

{#- How far into the checkout a type of event is. -#}
{%- macro checkout_step(event_type) -%}
case {{ event_type }}
            when 'add_payment_info' then 3
            when 'add_shipping_info' then 2
            when 'begin_checkout' then 1
            else 0
        end
{%- endmacro -%}

{#-
    What was known of a visitor at each event: running totals over the visitor's log. Adds CTEs, the last of which is
    `states`, one row an event. `events` is a relation or CTE with all events of some visitors: running totals are
    costly, so it should have only the visitors that are asked about.
-#}
{%- macro visitor_states(events) -%}
{{ seen_events(events) }},

-- How many items each event is the first of its session to name.
new_items as (

    select
        visitor_id,
        event_number,
        count(*) as new_item_count
    from (
        select
            visitor_id,
            event_number
        from named_items
        union all
        select
            visitor_id,
            event_number
        from retracted_items
    ) as first_events
    group by 1, 2

),

-- Views whose price is not that of the event's own columns in the hour's currency: few or none.
other_views as (

    select
        visitor_id,
        event_number,
        event_at as instant,
        currency,
        price as amount
    from state_items
    where
        seen_type = 'view_item'
        and (is_listed or (price is not null and {{ is_foreign('currency', ref('hour_currency')) }}))

),

{{ base_amounts('exchanged_views', 'other_views', ref('hour_currency')) }},

view_totals as (

    select
        visitor_id,
        event_number,
        sum(amount_base) as viewed_value,
        count(amount_base) as priced_count
    from exchanged_views
    group by 1, 2

),

events_with_orders as (

    select
        events.visitor_id,
        events.owner_id,
        events.event_at,
        events.event_number,
        events.seen_type as event_type,
        events.view_until_at,
        events.counted_as,
        events.is_activity,
        events.is_activity and events.user_id is not null as names_user,
        events.is_session_start,
        events.session_number,
        case
            when events.seen_type != 'view_item' then 0
            when view_totals.event_number is null then coalesce(events.price, 0)
            else coalesce(view_totals.viewed_value, 0)
        end as viewed_value,
        case
            when events.seen_type != 'view_item' then 0
            when view_totals.event_number is null then cast(events.price is not null as integer)
            else view_totals.priced_count
        end as priced_view_count,
        events.device_type,
        events.country,
        orders.order_key is not null as is_order,
        coalesce(orders.order_value_base, 0) as new_order_value,
        case when events.is_session_start then events.previous_activity_at end as previous_session_ended_at,
        case when events.is_session_start then coalesce(events.utm_medium, '') end as session_utm_medium,
        case when events.is_session_start then {{ url_domain('events.referrer') }} end as session_referrer_domain,
        events.is_activity and not events.is_session_start as has_gap,
        {{ epoch_us('events.event_at') }} - {{ epoch_us('events.previous_activity_at') }} as gap_us,
        -- until when the one that the gap is counted from is a view of an item: a mail opened meanwhile is no activity
        {{ last_not_null('case when events.is_activity then ' ~ viewing_until('events') ~ ' end') }} over (
            partition by events.visitor_id
            order by events.event_number
            rows between unbounded preceding and 1 preceding
        ) as previous_view_until_at,
        coalesce(lead(events.event_at) over visitor_order > events.event_at, true) as is_last_at_instant,
        coalesce(new_items.new_item_count, 0) as new_item_count
    from seen_events as events
    left join {{ ref('hour_order_values') }} as orders
        on
            events.visitor_id = orders.visitor_id
            and events.event_number = orders.event_number
    left join new_items
        on
            events.visitor_id = new_items.visitor_id
            and events.event_number = new_items.event_number
    left join view_totals
        on
            events.visitor_id = view_totals.visitor_id
            and events.event_number = view_totals.event_number
    window visitor_order as (
        partition by events.visitor_id
        order by events.event_number
    )

),

{{ retracted_views() }},

counted_events as (

    select
        events.*,
        coalesce(retracted.page_view_count, 0) as retracted_page_view_count,
        coalesce(retracted.view_count, 0) as retracted_view_count,
        coalesce(retracted.item_count, 0) as retracted_item_count,
        coalesce(retracted.item_us, 0) as retracted_item_us,
        coalesce(retracted.viewed_value, 0) as retracted_viewed_value,
        coalesce(retracted.priced_view_count, 0) as retracted_priced_view_count
    from events_with_orders as events
    left join retracted
        on
            events.visitor_id = retracted.visitor_id
            and events.event_number = retracted.event_number

),

states as (

    select
        visitor_id,
        owner_id,
        event_at,
        event_number,
        session_number,
        is_last_at_instant,

        -- this session so far
        min(case when is_session_start then event_at end) over session_so_far as session_started_at,
        sum(cast(is_activity as integer)) over session_so_far as session_event_count,
        sum(cast(event_type = 'page_view' as integer) + retracted_page_view_count)
            over session_so_far as session_page_view_count,
        sum(cast(event_type = 'view_item' as integer) - retracted_view_count) over session_so_far as session_view_count,
        sum(new_item_count - retracted_item_count) over session_so_far as session_distinct_item_count,
        sum(case when counted_as = 'add_to_cart' then 1 else 0 end) over session_so_far as session_add_count,
        sum(case when counted_as = 'remove_from_cart' then 1 else 0 end) over session_so_far as session_remove_count,
        sum(cast(event_type = 'search' as integer)) over session_so_far as session_search_count,
        sum(cast(event_type = 'add_to_wishlist' as integer)) over session_so_far as session_wishlist_count,
        sum(cast(event_type = 'view_cart' as integer)) over session_so_far as session_cart_view_count,
        max({{ checkout_step('event_type') }}) over session_so_far as session_checkout_step,
        sum(cast(is_order as integer)) over session_so_far as session_order_count,
        max(cast(names_user as integer)) over session_so_far as session_is_signed_in,
        -- whole microseconds: a sum of fractions would depend on the order of adding
        sum(case when has_gap and event_at < previous_view_until_at then gap_us else 0 end - retracted_item_us)
            over session_so_far as session_item_us,
        max(case when has_gap then gap_us else 0 end) over session_so_far as session_longest_gap_us,
        max(session_utm_medium) over session_so_far as session_utm_medium,
        max(session_referrer_domain) over session_so_far as session_referrer_domain,
        {{ last_not_null('case when is_activity then event_type end') }} over session_so_far as last_event_type,
        {{ last_not_null('case when has_gap then gap_us end') }} over session_so_far as last_gap_us,

        -- this visitor so far
        max(previous_session_ended_at) over visitor_so_far as previous_session_ended_at,
        max(case when is_activity then event_at end) over visitor_so_far as last_activity_at,
        min(case when is_activity then event_at end) over visitor_so_far as first_activity_at,
        sum(cast(is_activity as integer)) over visitor_so_far as visitor_event_count,
        sum(cast(event_type = 'view_item' as integer) - retracted_view_count) over visitor_so_far as visitor_view_count,
        sum(case when counted_as = 'add_to_cart' then 1 else 0 end) over visitor_so_far as visitor_add_count,
        sum(cast(event_type = 'begin_checkout' as integer)) over visitor_so_far as visitor_checkout_count,
        sum(cast(is_order as integer)) over visitor_so_far as visitor_order_count,
        sum(case when is_order then new_order_value else 0 end) over visitor_so_far as visitor_order_value,
        max(case when is_order then event_at end) over visitor_so_far as visitor_last_order_at,
        sum(viewed_value - retracted_viewed_value) over visitor_so_far as visitor_viewed_value,
        sum(priced_view_count - retracted_priced_view_count) over visitor_so_far as visitor_priced_view_count,
        {{ last_not_null('device_type') }} over visitor_so_far as last_device_type,
        {{ last_not_null('country') }} over visitor_so_far as last_country
    from counted_events
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
{%- endmacro -%}

{#-
    What was known of a person over all devices at each instant of theirs, as running totals. Adds CTEs, the last of
    which is `owner_states`. `events` has all events of the owners that are asked about.
-#}
{%- macro owner_states(events) -%}
owner_events as (

    select
        events.owner_id,
        events.visitor_id,
        events.event_at,
        events.is_session_start,
        orders.order_key is not null as is_order,
        coalesce(orders.order_value_base, 0) as new_order_value,
        row_number() over (
            partition by events.owner_id
            order by events.event_at, events.visitor_id, events.event_number
        ) as owner_event_number
    from {{ events }} as events
    left join {{ ref('hour_order_values') }} as orders
        on
            events.visitor_id = orders.visitor_id
            and events.event_number = orders.event_number
    where events.is_activity

),

owner_events_marked as (

    select
        *,
        coalesce(lead(event_at) over (
            partition by owner_id
            order by owner_event_number
        ) > event_at, true) as is_last_at_instant,
        row_number() over (
            partition by owner_id, visitor_id
            order by owner_event_number
        ) = 1 as is_new_visitor
    from owner_events

),

owner_totals as (

    select
        owner_id,
        event_at,
        is_last_at_instant,
        sum(cast(is_new_visitor as integer)) over owner_so_far as owner_visitor_count,
        sum(cast(is_new_visitor or is_session_start as integer)) over owner_so_far as owner_session_count,
        sum(cast(is_order as integer)) over owner_so_far as owner_order_count,
        sum(case when is_order then new_order_value else 0 end) over owner_so_far as owner_order_value,
        max(case when is_order then event_at end) over owner_so_far as owner_last_order_at
    from owner_events_marked
    window owner_so_far as (
        partition by owner_id
        order by owner_event_number
        rows between unbounded preceding and current row
    )

),

owner_states as (

    select {{ all_except(['is_last_at_instant']) }}
    from owner_totals
    where is_last_at_instant

)
{%- endmacro -%}
