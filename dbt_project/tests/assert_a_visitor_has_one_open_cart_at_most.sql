-- Lives of carts of one visitor do not overlap.

with

lives as (

    select
        visitor_id,
        started_at,
        lag(coalesce(closed_at, timestamp '9999-12-31')) over (
            partition by visitor_id
            order by started_at
        ) as previous_closed_at
    from {{ ref('carts') }}

)

select * from lives
where started_at < previous_closed_at
