-- The orders that concern each visitor who ever filled a cart: their own, and those the same person made elsewhere.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'visitors_this_run': ['visitor_id']}}) }}

with

orders as (

    select * from {{ ref('order_events') }}

),

cart_visitors as (

    select distinct visitor_id
    from {{ this_run_or_all(ref('log_this_run'), ref('ordered_events')) }}
    where event_rank = {{ event_rank("'add_to_cart'") }}

),

own_orders as (

    select
        orders.visitor_id,
        orders.owner_id,
        orders.order_key,
        false as is_elsewhere,
        orders.event_at,
        orders.event_rank,
        orders.event_id,
        orders.source
    from orders
    inner join cart_visitors on orders.visitor_id = cart_visitors.visitor_id

),

logins as (

    select
        events.visitor_id,
        events.owner_id,
        events.event_at,
        events.event_rank,
        events.event_id,
        events.source
    from {{ this_run_or_all(ref('log_this_run'), ref('events')) }} as events
    inner join cart_visitors on events.visitor_id = cart_visitors.visitor_id
    where events.user_id is not null

),

-- Whoever a visitor has ever been may have ordered elsewhere.
visitor_owners as (

    select distinct
        visitor_id,
        owner_id
    from logins

),

timeline as (

    select
        visitor_id,
        owner_id,
        cast(null as string) as order_owner_id,
        cast(null as string) as order_key,
        event_at,
        event_rank,
        event_id,
        source
    from logins

    union all

    select
        visitor_owners.visitor_id,
        null as owner_id,
        orders.owner_id as order_owner_id,
        orders.order_key,
        orders.event_at,
        orders.event_rank,
        orders.event_id,
        orders.source
    from orders
    inner join visitor_owners
        on
            orders.owner_id = visitor_owners.owner_id
            and orders.visitor_id != visitor_owners.visitor_id

),

owned as (

    select
        {{ all_except(['owner_id']) }},
        {{ last_not_null('owner_id') }} over (
            partition by visitor_id
            order by {{ event_order() }}
            rows between unbounded preceding and current row
        ) as owner_id
    from timeline

),

-- An order elsewhere counts where both visitors were the same person then.
orders_elsewhere as (

    select
        visitor_id,
        owner_id,
        order_key,
        true as is_elsewhere,
        event_at,
        event_rank,
        event_id,
        source
    from owned
    where order_owner_id = owner_id

)

select * from own_orders
union all
select * from orders_elsewhere
