-- Dumps of rates of exchange.

with

delivered as (

    select * from {{ source('raw', 'exchange_rates') }}

),

timed as (

    select
        _load_id as load_id,
        _line as line,
        currency,
        rate,
        {{ event_time('date', 'exchange_rates') }}
    from delivered

)

select
    load_id,
    line,
    event_at as valid_from,
    currency,
    rate
from timed
