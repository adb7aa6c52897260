-- Every delivered row of the shop's calendar: its fields, or why it cannot be a sale.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'loads_this_run': ['load_id']}}) }}

with

delivered as (

    select * from {{ ref('stg_calendar') }}
    where {{ is_in_this_run(ref('loads_this_run'), ['load_id']) }}

),

country_names as (

    select
        country,
        name
    from {{ source('reference', 'country_names') }}

),

named as (

    select
        delivered.load_id,
        delivered.line,
        delivered.starts_at,
        delivered.ends_at,
        -- as they are written: whose clocks they are by is not said here
        {{ read_clock('delivered.starts_at') }} as first_clock,
        {{ read_clock('delivered.ends_at') }} as last_clock,
        delivered.name,
        {{ country_name('delivered.country') }} as country_name,
        country_names.country
    from delivered
    left join country_names on {{ country_name('delivered.country') }} = country_names.name

),

validated as (

    select
        load_id,
        line,
        starts_at,
        ends_at,
        name,
        country,
        case
            when first_clock is null or last_clock is null then 'bad_time'
            when last_clock <= first_clock then 'bad_span'
            when country_name != '' and country is null then 'bad_country'
        end as drop_reason
    from named

)

select * from validated
