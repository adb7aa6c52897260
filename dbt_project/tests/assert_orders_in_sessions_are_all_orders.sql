-- Every order lies in exactly one session.

with

in_sessions as (

    select coalesce(sum(order_count), 0) as order_count
    from {{ ref('sessions') }}

),

told as (

    select count(*) as order_count
    from {{ ref('orders') }}

)

select
    in_sessions.order_count as in_sessions,
    told.order_count as told
from in_sessions
cross join told
where in_sessions.order_count != told.order_count
