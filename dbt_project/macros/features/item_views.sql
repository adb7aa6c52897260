{#-
    What belongs here: how the shopper looked at the items in a cart, and the visit in which it began. What does not: what
    is known of the items themselves (cart_items.sql), and what lies in a cart (cart_snapshots.sql, whose CTEs `spine` and
    `lines` this macro reads).

    Adds CTEs: `item_views`, how the shopper looked at the items in each cart so far, before each was first added to it,
    in a row right before that, and since; and `cart_visits`, the visit in which each cart began, as far as it went by
    the instant. An event that names two of the items is one view.
-#}
{%- macro visits_of_carts() -%}
visits as (

    select
        log.visitor_id,
        log.event_number,
        log.event_at,
        coalesce(doubled_views.viewed_type, log.event_type) as event_type,
        doubled_views.view_until_at,
        log.session_number,
        log.row_key,
        coalesce(doubled_views.viewed_item_id, log.item_id) as item_id,
        lead(log.event_at) over visitor_order as next_at,
        lead(log.is_session_start) over visitor_order as is_last_of_session,
        max(log.event_at) over (partition by log.visitor_id, log.session_number) as session_last_at
    from {{ ref('ordered_events') }} as log
    left join {{ ref('doubled_views') }} as doubled_views
        on
            log.row_key = doubled_views.row_key
            and doubled_views.view_until_at is not null
    where
        log.is_activity
        and {{ keys_in('spine', ['log.visitor_id']) }}
    window visitor_order as (
        partition by log.visitor_id
        order by log.event_number
    )

),

item_views_by_event as (

    select distinct
        visits.visitor_id,
        visits.session_number,
        visits.event_number,
        visits.event_at,
        visits.view_until_at,
        visits.session_last_at,
        case when not visits.is_last_of_session then visits.next_at end as left_at,
        case when listed.row_key is null then visits.item_id else listed.item_id end as item_id
    from visits
    left join {{ ref('candidate_items') }} as listed on visits.row_key = listed.row_key
    where visits.event_type = 'view_item'

),

-- Where the views of a session are numbered, and those of an item in it too, the two go up together while no view of
-- another item comes between.
numbered_views as (

    select
        *,
        dense_rank() over (
            partition by visitor_id, session_number
            order by event_number
        ) as view_number,
        row_number() over (
            partition by visitor_id, session_number, item_id
            order by event_number
        ) as item_view_number
    from item_views_by_event
    where item_id is not null

),

view_times as (

    select distinct
        visitor_id,
        session_number,
        view_number,
        event_at
    from numbered_views

),

views_in_a_row as (

    select
        visitor_id,
        session_number,
        item_id,
        view_number - item_view_number as row_id,
        max(view_number) as last_view_number
    from numbered_views
    group by 1, 2, 3, 4

),

viewed_items as (

    select
        views.visitor_id,
        views.event_number,
        views.event_at,
        views.view_until_at,
        views.session_last_at,
        views.left_at,
        views.item_id,
        following.event_at as row_ended_at
    from numbered_views as views
    inner join views_in_a_row as in_a_row
        on
            views.visitor_id = in_a_row.visitor_id
            and views.session_number = in_a_row.session_number
            and views.item_id = in_a_row.item_id
            and views.view_number - views.item_view_number = in_a_row.row_id
    left join view_times as following
        on
            in_a_row.visitor_id = following.visitor_id
            and in_a_row.session_number = following.session_number
            and in_a_row.last_view_number + 1 = following.view_number

),

line_views as (

    select
        lines.cart_id,
        lines.as_of,
        lines.line_item_id,
        viewed_items.event_number,
        viewed_items.event_at,
        viewed_items.event_at <= lines.first_added_at as is_before_add,
        -- in the session of the add, and nothing else was viewed since
        viewed_items.event_at <= lines.first_added_at
        and viewed_items.session_last_at >= lines.first_added_at
        and coalesce(viewed_items.row_ended_at > lines.first_added_at, true) as leads_to_add,
        case
            when viewed_items.left_at <= lines.as_of
                then {{ epoch_us('viewed_items.left_at') }} - {{ epoch_us('viewed_items.event_at') }}
            else 0
        end as view_us
    from lines
    inner join viewed_items
        on lines.visitor_id = viewed_items.visitor_id
        and lines.line_item_id = viewed_items.item_id
        and lines.as_of >= viewed_items.event_at
    where coalesce(lines.as_of < viewed_items.view_until_at, true)

),

line_rows as (

    select
        cart_id,
        as_of,
        line_item_id,
        sum(cast(leads_to_add as integer)) as in_a_row_count
    from line_views
    group by 1, 2, 3

),

longest_rows as (

    select
        cart_id,
        as_of,
        max(in_a_row_count) as in_a_row_count
    from line_rows
    group by 1, 2

),

cart_views as (

    select
        cart_id,
        as_of,
        event_number,
        event_at,
        max(cast(is_before_add as integer)) as is_before_add,
        max(view_us) as view_us
    from line_views
    group by 1, 2, 3, 4

),

item_views as (

    select
        cart_views.cart_id,
        cart_views.as_of,
        count(*) as view_count,
        sum(cart_views.is_before_add) as before_add_count,
        max(longest_rows.in_a_row_count) as in_a_row_count,
        sum(cart_views.view_us) as view_us,
        max(cart_views.event_at) as viewed_at
    from cart_views
    inner join longest_rows
        on
            cart_views.cart_id = longest_rows.cart_id
            and cart_views.as_of = longest_rows.as_of
    group by 1, 2

),

cart_starts as (

    select distinct
        visitor_id,
        event_at,
        session_number
    from visits
    where event_type = 'add_to_cart'

),

cart_visits as (

    select
        spine.cart_id,
        spine.as_of,
        count(*) as event_count,
        count(*) filter (
            where visits.event_type = 'view_item' and coalesce(spine.as_of < visits.view_until_at, true)
        ) as view_count,
        min(visits.event_at) as started_at,
        max(visits.event_at) as ended_at,
        max({{ checkout_step('visits.event_type') }}) as checkout_step
    from spine
    inner join cart_starts
        on spine.visitor_id = cart_starts.visitor_id
        and spine.cart_started_at = cart_starts.event_at
    inner join visits
        on cart_starts.visitor_id = visits.visitor_id
        and cart_starts.session_number = visits.session_number
        and spine.as_of >= visits.event_at
    group by spine.cart_id, spine.as_of

)
{%- endmacro -%}
