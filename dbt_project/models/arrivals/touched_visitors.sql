-- The visitors of whom new rows can change anything: their whole log is built again, everybody else's stays.
--
-- Rows that do not count are looked at like those that do: a visitor who loses an event is touched as well, and no
-- former state of the log is asked for, so a build that died in the middle changes nothing here.

with

candidates as (

    select
        source,
        event_id,
        visitor_id,
        user_id,
        event_at,
        event_type,
        order_id
    from {{ ref('candidate_events') }}
    where drop_reason is null

),

told as (

    select candidates.*
    from candidates
    inner join {{ ref('touched_events') }} as touched_events
        on
            candidates.source = touched_events.source
            and candidates.event_id = touched_events.event_id

),

touched_orders as (

    select distinct order_id
    from told
    where
        event_type = 'purchase'
        and order_id is not null

),

-- Whoever told an order may be the first or no longer the first to tell it.
touched_rows as (

    select * from told

    union all

    select candidates.*
    from candidates
    inner join touched_orders on candidates.order_id = touched_orders.order_id
    where candidates.event_type = 'purchase'

),

-- From here on a visitor's orders may be others, or another person's.
ordering_visitors as (

    select
        visitor_id,
        min(event_at) as changed_from
    from touched_rows
    where
        event_type = 'purchase'
        or user_id is not null
    group by 1

),

changed_visitors as (

    select distinct candidates.visitor_id
    from candidates
    inner join ordering_visitors
        on
            candidates.visitor_id = ordering_visitors.visitor_id
            and candidates.event_at >= ordering_visitors.changed_from
    where candidates.event_type = 'purchase'

),

-- An order of a person concerns the carts of every visitor that ever was this person.
changed_owners as (

    select distinct candidates.user_id
    from candidates
    inner join changed_visitors on candidates.visitor_id = changed_visitors.visitor_id
    where candidates.user_id is not null

),

tied_visitors as (

    select distinct candidates.visitor_id
    from candidates
    inner join changed_owners on candidates.user_id = changed_owners.user_id

),

final as (

    select visitor_id from touched_rows
    union
    select visitor_id from tied_visitors

)

select * from final
