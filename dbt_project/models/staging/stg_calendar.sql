-- Dumps of the shop's own calendar of sales.

with

delivered as (

    select * from {{ source('raw', 'calendar') }}

),

written as (

    select
        _load_id as load_id,
        _line as line,
        {{ day_with_dashes('starts_at') | indent(8) }} as starts_at,
        {{ day_with_dashes('ends_at') | indent(8) }} as ends_at,
        name,
        country
    from delivered

)

select
    load_id,
    line,
    starts_at,
    {{ end_of_last_day('ends_at') }} as ends_at,
    name,
    country
from written
