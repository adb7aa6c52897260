-- The visitors of the carts to score, as they were known at the hour.

with

cart_events as (

    select * from {{ ref('events') }}
    where
        event_at <= {{ as_of() }}
        and {{ keys_in(ref('scored_carts'), ['visitor_id']) }}

),

{{ visitor_states('cart_events') }},

newest as (

    select
        visitor_id,
        max(event_number) as event_number
    from states
    group by 1

)

select states.*
from states
inner join newest
    on
        states.visitor_id = newest.visitor_id
        and states.event_number = newest.event_number
