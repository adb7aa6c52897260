-- Dumps of rates of exchange.

with

delivered as (

    select * from {{ source('raw', 'exchange_rates') }}

),

written as (

    select
        _load_id as load_id,
        _line as line,
        {{ day_with_dashes('date') | indent(8) }} as date,
        currency,
        rate
    from delivered

),

timed as (

    select
        load_id,
        line,
        currency,
        rate,
        {{ event_time('date', 'exchange_rates') }}
    from written

)

select
    load_id,
    line,
    event_at as valid_from,
    currency,
    rate
from timed
