-- The visitors of the carts to score, as they were known at the hour.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'states_this_run': ['visitor_id']}}) }}

with

cart_events as (

    select * from {{ ref('events') }}
    where
        event_at <= {{ as_of() }}
        and {{ keys_in(ref('scored_carts'), ['visitor_id']) }}
        and {{ is_in_this_run(ref('states_this_run'), ['visitor_id']) }}

),

{{ visitor_states('cart_events') }},

newest as (

    select
        visitor_id,
        max(event_number) as event_number
    from states
    group by 1

),

final as (

    select
        states.*,
        hour_currency.currency as reporting_currency
    from states
    inner join newest
        on
            states.visitor_id = newest.visitor_id
            and states.event_number = newest.event_number
    cross join {{ ref('hour_currency') }} as hour_currency

)

select * from final
