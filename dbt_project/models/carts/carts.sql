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

    select * from {{ ref('order_events') }}

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
        max(event_at) filter (where is_touch) as last_touched_at,
        max(operation_number) filter (where is_touch) as last_touch_number,
        min(event_at) filter (where is_order) as converted_at,
        min(order_key) filter (where is_order) as order_key,
        count(*) filter (where operation = 'order_elsewhere') > 0 as converted_elsewhere,
        min(event_at) filter (where is_emptying) as emptied_at,
        max_by(owner_id, operation_number) as last_operation_owner_id,
        count(*) filter (where is_touch and is_event_end and is_add_event) as add_count,
        count(*) filter (where is_touch and is_event_end and not is_add_event) as remove_count
    from operations
    group by cart_id, visitor_id, cart_started_at

),

statuses as (

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

cart_statuses as (

    select
        *,
        case status
            when 'converted' then converted_at
            when 'emptied' then emptied_at
            when 'expired' then expires_at
        end as closed_at
    from statuses

),

-- Until a cart closes its owner is whoever the visitor is known to be by then.
newest_owners as (

    select
        cart_statuses.cart_id,
        max_by(logins.user_id, logins.event_number) as owner_id
    from cart_statuses
    inner join logins
        on
            cart_statuses.visitor_id = logins.visitor_id
            and (cart_statuses.status = 'open' or cart_statuses.expires_at >= logins.event_at)
    where cart_statuses.status in ('open', 'expired')
    group by cart_statuses.cart_id

),

-- What is in the cart; its instant is when it closed, of an open one its last touch.
last_lines as (

    select
        lines.*,
        coalesce(cart_statuses.closed_at, cart_statuses.last_touched_at) as instant
    from lines
    inner join cart_statuses on lines.cart_id = cart_statuses.cart_id

),

{{ cart_values('money_totals', 'last_lines', ref('log_currency')) }},

last_states as (

    select
        cart_statuses.*,
        touches.cart_quantity as item_quantity,
        touches.cart_line_count as line_count,
        touches.cart_value,
        touches.are_all_lines_priced
    from cart_statuses
    inner join operations as touches
        on
            cart_statuses.visitor_id = touches.visitor_id
            and cart_statuses.last_touch_number = touches.operation_number

),

final as (

    select
        last_states.cart_id,
        last_states.visitor_id,
        coalesce(
            newest_owners.owner_id,
            last_states.last_operation_owner_id
        ) as owner_id,
        session_totals.session_id,
        last_states.started_at,
        last_states.last_touched_at,
        last_states.status,
        last_states.closed_at,
        orders.order_id,
        last_states.converted_elsewhere,
        last_states.item_quantity,
        last_states.line_count,
        -- money of two currencies is not added
        case when coalesce(money_totals.currency_count, 0) <= 1 then last_states.cart_value end as cart_value,
        money_totals.currency,
        {{ base_value_of('last_states.line_count', 'money_totals.cart_value_base') }} as cart_value_base,
        last_states.are_all_lines_priced and coalesce(money_totals.currency_count, 0) <= 1 as is_value_complete,
        last_states.add_count,
        last_states.remove_count,
        {{ session_over_at('session_totals.ended_at') }} as session_over_at,
        last_states.newest_event_at
    from last_states
    inner join session_totals
        on
            last_states.visitor_id = session_totals.visitor_id
            and last_states.started_at between session_totals.started_at and session_totals.ended_at
    left join newest_owners on last_states.cart_id = newest_owners.cart_id
    left join money_totals on last_states.cart_id = money_totals.cart_id
    left join orders on last_states.order_key = orders.order_key

),

-- The session in which a cart began is the first that can leave it behind; no later one can.
abandoned as (

    select
        {{ all_except(['session_over_at', 'newest_event_at']) }},
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
