-- Dumps of the shop's own calendar of sales.

with

delivered as (

    select * from {{ source('raw', 'calendar') }}

)

select
    _load_id as load_id,
    _line as line,
    starts_at,
    {{ end_of_last_day('ends_at') }} as ends_at,
    name,
    country
from delivered
