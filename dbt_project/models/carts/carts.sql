-- Carts: a visitor's basket from the add that fills it while empty until it closes.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'affected_visitors': ['visitor_id']}}) }}

-- depends_on: {{ ref('previous_carts') }}

with

operations as (

    select * from {{ ref('cart_operations') }}
    where {{ is_in_this_run(ref('affected_visitors'), ['visitor_id']) }}

),

lines as (

    select * from {{ ref('cart_lines') }}
    where {{ is_in_this_run(ref('affected_visitors'), ['visitor_id']) }}

),

orders as (

    select * from {{ ref('orders') }}

),

session_totals as (

    select * from {{ ref('session_totals') }}
    where {{ is_in_this_run(ref('affected_visitors'), ['visitor_id']) }}

),

logins as (

    select * from {{ ref('events') }}
    where
        user_id is not null
        and {{ is_in_this_run(ref('affected_visitors'), ['visitor_id']) }}

),

log_end as (

    select max(event_at) as newest_event_at
    from {{ ref('ordered_events') }}

),

lifetimes as (

    select
        cart_id,
        visitor_id,
        cart_started_at as started_at,
        max(event_at) filter (is_touch) as last_touched_at,
        max(operation_number) filter (is_touch) as last_touch_number,
        min(event_at) filter (is_order) as converted_at,
        min(order_key) filter (is_order) as order_key,
        count(*) filter (operation = 'order_elsewhere') > 0 as converted_elsewhere,
        min(event_at) filter (is_emptying) as emptied_at,
        arg_max(owner_id, operation_number) as last_operation_owner_id,
        count(*) filter (operation = 'add') as add_count,
        count(*) filter (operation = 'remove') as remove_count
    from operations
    group by cart_id, visitor_id, cart_started_at

),

closed as (

    select
        lifetimes.*,
        log_end.newest_event_at,
        {{ cart_expires_at('lifetimes.last_touched_at') }} as expires_at,
        case
            when lifetimes.converted_at is not null then 'converted'
            when lifetimes.emptied_at is not null then 'emptied'
            when log_end.newest_event_at > {{ cart_expires_at('lifetimes.last_touched_at') }}
                then 'expired'
            else 'open'
        end as status
    from lifetimes
    cross join log_end

),

-- Until a cart closes its owner is whoever the visitor is known to be by then.
newest_owners as (

    select
        closed.cart_id,
        arg_max(logins.user_id, logins.event_number) as owner_id
    from closed
    inner join logins
        on
            closed.visitor_id = logins.visitor_id
            and (closed.status = 'open' or closed.expires_at >= logins.event_at)
    where closed.status in ('open', 'expired')
    group by closed.cart_id

),

line_totals as (

    select
        cart_id,
        count(distinct coalesce(currency, '')) filter (unit_price is not null) as currency_count,
        max(currency) filter (unit_price is not null) as currency
    from lines
    group by cart_id

),

standing as (

    select
        closed.*,
        touches.cart_quantity as item_quantity,
        touches.cart_line_count as line_count,
        touches.cart_value,
        touches.are_all_lines_priced
    from closed
    inner join operations as touches
        on
            closed.visitor_id = touches.visitor_id
            and closed.last_touch_number = touches.operation_number

),

final as (

    select
        standing.cart_id,
        standing.visitor_id,
        coalesce(
            newest_owners.owner_id,
            standing.last_operation_owner_id
        ) as owner_id,
        session_totals.session_id,
        standing.started_at,
        standing.last_touched_at,
        standing.status,
        case standing.status
            when 'converted' then standing.converted_at
            when 'emptied' then standing.emptied_at
            when 'expired' then standing.expires_at
        end as closed_at,
        orders.order_id,
        standing.converted_elsewhere,
        standing.item_quantity,
        standing.line_count,
        standing.cart_value,
        case when line_totals.currency_count = 1 then line_totals.currency end as currency,
        standing.are_all_lines_priced and coalesce(line_totals.currency_count, 0) <= 1 as is_value_complete,
        standing.add_count,
        standing.remove_count,
        {{ session_over_at('session_totals.ended_at') }} as session_over_at,
        standing.newest_event_at
    from standing
    inner join session_totals
        on
            standing.visitor_id = session_totals.visitor_id
            and standing.started_at between session_totals.started_at and session_totals.ended_at
    left join newest_owners on standing.cart_id = newest_owners.cart_id
    left join line_totals on standing.cart_id = line_totals.cart_id
    left join orders on standing.order_key = orders.order_key

),

-- The session in which a cart began is the first that can leave it behind; no later one can.
abandoned as (

    select
        * exclude (session_over_at, newest_event_at),
        case
            when (closed_at is null or closed_at > session_over_at) and newest_event_at >= session_over_at
                then session_over_at
        end as abandoned_at
    from final

)

select
    *,
    coalesce(status = 'converted' and closed_at > abandoned_at, false) as is_recovered
from abandoned
