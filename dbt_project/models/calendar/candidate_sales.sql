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
            when {{ read_clock('starts_at') }} is null or {{ read_clock('ends_at') }} is null then 'bad_time'
            -- as they are written: whose clocks they are by is not said here
            when {{ read_clock('ends_at') }} <= {{ read_clock('starts_at') }} then 'bad_span'
            when country_name != '' and country is null then 'bad_country'
        end as drop_reason
    from named

)

select * from validated
