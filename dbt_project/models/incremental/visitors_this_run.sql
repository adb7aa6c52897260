-- The visitors of whom new rows can change anything: their whole log is rebuilt, everybody else's stays.
--
-- Rows that are duplicates are looked at like those that count: a visitor who loses an event belongs here as well, and
-- no earlier state of the log is read, so a build that died in the middle changes nothing here.

with

event_rows as (

    select
        visitor_id,
        user_id,
        event_at,
        event_type,
        order_id
    from {{ ref('candidate_events') }}
    where
        drop_reason is null
        and {{ keys_in(ref('events_this_run'), ['source', 'event_id']) }}

),

orders_this_run as (

    select distinct order_id
    from event_rows
    where
        event_type = 'purchase'
        and order_id is not null

),

-- An order belongs to its first row: that may be another one now, so all rows of these orders are looked at.
affected_rows as (

    select * from event_rows

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
        and {{ keys_in('orders_this_run', ['order_id']) }}

),

-- From changed_from on a visitor may have other orders, or the orders may be another person's.
ordering_visitors as (

    select
        visitor_id,
        min(event_at) as changed_from
    from affected_rows
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

-- An order of a person can close the carts of every visitor that ever was this person.
changed_owners as (

    select distinct user_id
    from {{ ref('candidate_events') }}
    where
        drop_reason is null
        and user_id is not null
        and {{ keys_in('changed_visitors', ['visitor_id']) }}

),

visitors_of_changed_owners as (

    select distinct visitor_id
    from {{ ref('candidate_events') }}
    where
        drop_reason is null
        and {{ keys_in('changed_owners', ['user_id']) }}

),

-- A refund concerns an order whose visitor may be another.
refunded_orders as (

    select distinct order_id
    from event_rows
    where
        event_type = 'refund'
        and order_id is not null

),

visitors_of_refunded_orders as (

    select visitor_id
    from {{ ref('candidate_events') }}
    where
        drop_reason is null
        and event_type = 'purchase'
        and {{ keys_in('refunded_orders', ['order_id']) }}

),

final as (

    select visitor_id from affected_rows
    union
    select visitor_id from visitors_of_changed_owners
    union
    select visitor_id from visitors_of_refunded_orders

)

select * from final
