-- The shop's sales by UTC: times without an offset are by the shop's clocks.

with

candidates as (

    select * from {{ ref('candidate_sales') }}
    where drop_reason is null

),

begun as (

    select
        name,
        country,
        ends_at,
        {{ event_time_in('starts_at', var('time_zone')) }}
    from candidates

),

spans as (

    select
        name,
        country,
        event_at as starts_at,
        ends_at
    from begun

),

ended as (

    select
        name,
        country,
        starts_at,
        {{ event_time_in('ends_at', var('time_zone')) }}
    from spans

),

final as (

    select distinct
        starts_at,
        event_at as ends_at,
        name,
        country
    from ended

)

select * from final
