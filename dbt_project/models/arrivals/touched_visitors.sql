-- The visitors of whom new rows can change anything: their whole log is built again, everybody else's stays.
--
-- Rows that do not count are looked at like those that do: a visitor who loses an event is touched as well, and no
-- former state of the log is asked for, so a build that died in the middle changes nothing here.

with

told as (

    select
        visitor_id,
        user_id,
        event_at,
        event_type,
        order_id
    from {{ ref('candidate_events') }}
    where
        drop_reason is null
        and {{ keys_in(ref('touched_events'), ['source', 'event_id']) }}

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

    select
        visitor_id,
        user_id,
        event_at,
        event_type,
        order_id
    from {{ ref('candidate_events') }}
    where
        drop_reason is null
        and event_type = 'purchase'
        and {{ keys_in('touched_orders', ['order_id']) }}

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
    from {{ ref('candidate_events') }} as candidates
    inner join ordering_visitors
        on
            candidates.visitor_id = ordering_visitors.visitor_id
            and candidates.event_at >= ordering_visitors.changed_from
    where
        candidates.drop_reason is null
        and candidates.event_type = 'purchase'

),

-- An order of a person concerns the carts of every visitor that ever was this person.
changed_owners as (

    select distinct user_id
    from {{ ref('candidate_events') }}
    where
        drop_reason is null
        and user_id is not null
        and {{ keys_in('changed_visitors', ['visitor_id']) }}

),

tied_visitors as (

    select distinct visitor_id
    from {{ ref('candidate_events') }}
    where
        drop_reason is null
        and {{ keys_in('changed_owners', ['user_id']) }}

),

final as (

    select visitor_id from touched_rows
    union
    select visitor_id from tied_visitors

)

select * from final
