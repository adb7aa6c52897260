-- Carts of one visitor do not overlap in time.

with

lifetimes as (

    select
        visitor_id,
        started_at,
        lag(coalesce(closed_at, timestamp '9999-12-31')) over (
            partition by visitor_id
            order by started_at
        ) as previous_closed_at
    from {{ ref('carts') }}

)

select * from lifetimes
where started_at < previous_closed_at
