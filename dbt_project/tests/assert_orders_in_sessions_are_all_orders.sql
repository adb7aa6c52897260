-- Every order lies in exactly one session.

with

in_sessions as (

    select coalesce(sum(order_count), 0) as order_count
    from {{ ref('sessions') }}

),

all_orders as (

    select count(*) as order_count
    from {{ ref('orders') }}

)

select
    in_sessions.order_count as in_sessions,
    all_orders.order_count as all_orders
from in_sessions
cross join all_orders
where in_sessions.order_count != all_orders.order_count
