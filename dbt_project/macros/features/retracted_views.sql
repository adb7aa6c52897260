{#-
    What belongs here: page views that were views of an item or a list until the dump's own view of the page came
    (rules/views.sql), for running totals: from that instant on they count no more, and not before. Not here: the totals
    (visitor_states.sql).
-#}

{#-
    Adds CTEs: `seen_events`, the events of a relation as what they were when they happened; `state_items`, the items
    of these; and `named_items` and `retracted_items`, the items that each session names for good and for a while.
-#}
{%- macro seen_events(events) -%}
-- What each event was when it happened; a view that was retracted since has the time of that.
seen_events as (

    select
        events.*,
        coalesce(doubled_views.viewed_type, events.event_type) as seen_type,
        doubled_views.viewed_item_id as seen_item_id,
        doubled_views.view_until_at
    from {{ events }} as events
    left join {{ ref('doubled_views') }} as doubled_views
        on
            events.row_key = doubled_views.row_key
            and doubled_views.view_until_at is not null

),

state_items as (

    {{ items_of('seen_events', [
        'visitor_id', 'session_number', 'event_number', 'event_at', 'seen_type', 'seen_item_id', 'view_until_at',
    ]) }}

),

named_items as (

    select
        visitor_id,
        session_number,
        item_id,
        min(event_number) as event_number,
        min(event_at) as event_at
    from state_items
    where item_id is not null
    group by 1, 2, 3

),

-- Items that only the address of a view named that was retracted since: from when to when they counted.
retracted_items as (

    select
        retracted.visitor_id,
        retracted.event_number,
        least(retracted.view_until_at, named_items.event_at) as until_at
    from (
        select
            visitor_id,
            session_number,
            seen_item_id,
            view_until_at,
            min(event_number) as event_number
        from state_items
        where
            view_until_at is not null
            and item_id is null
            and not is_listed
        group by 1, 2, 3, 4
    ) as retracted
    left join named_items
        on
            retracted.visitor_id = named_items.visitor_id
            and retracted.session_number = named_items.session_number
            and retracted.seen_item_id = named_items.item_id
    where
        retracted.seen_item_id is not null
        and coalesce(retracted.event_number < named_items.event_number, true)

)
{%- endmacro -%}

{#-
    Adds CTEs, the last of which is `retracted`: by event, what of the `events_with_orders` before it counts no more.
    Its `page_view_count` is of retracted views that are page views again.
-#}
{%- macro retracted_views() -%}
retracted_by_instant as (

    select
        visitor_id,
        until_at as instant,
        0 as page_view_count,
        0 as view_count,
        1 as item_count,
        0 as item_us,
        0 as viewed_value,
        0 as priced_view_count
    from retracted_items

    union all

    select
        visitor_id,
        view_until_at as instant,
        1 as page_view_count,
        cast(event_type = 'view_item' as integer) as view_count,
        0 as item_count,
        0 as item_us,
        viewed_value,
        priced_view_count
    from events_with_orders
    where view_until_at is not null

    union all

    select
        visitor_id,
        previous_view_until_at as instant,
        0 as page_view_count,
        0 as view_count,
        0 as item_count,
        gap_us as item_us,
        0 as viewed_value,
        0 as priced_view_count
    from events_with_orders
    where
        has_gap
        and event_at < previous_view_until_at
        and previous_view_until_at < {{ never_retracted() }}

),

-- All that is retracted at an instant is so from the visitor's first event of that instant on.
retracted as (

    select
        events.visitor_id,
        events.event_number,
        sum(retractions.page_view_count) as page_view_count,
        sum(retractions.view_count) as view_count,
        sum(retractions.item_count) as item_count,
        sum(retractions.item_us) as item_us,
        sum(retractions.viewed_value) as viewed_value,
        sum(retractions.priced_view_count) as priced_view_count
    from retracted_by_instant as retractions
    inner join (
        select
            visitor_id,
            event_at,
            min(event_number) as event_number
        from seen_events
        group by 1, 2
    ) as events
        on
            retractions.visitor_id = events.visitor_id
            and retractions.instant = events.event_at
    group by 1, 2

)
{%- endmacro -%}

{#- Until when an event is a view of an item; other events are none at any instant after them. -#}
{%- macro viewing_until(events) -%}
case
    when {{ events }}.seen_type != 'view_item' then {{ events }}.event_at
    else coalesce({{ events }}.view_until_at, {{ never_retracted() }})
end
{%- endmacro -%}

{%- macro never_retracted() -%}
cast('9999-12-31' as timestamp)
{%- endmacro -%}
