-- The visitors whose state at the hour is made again, or of whom no cart is scored any more.
--
-- What was known of a visitor at the newest event stays while that event is the newest at the hour, the visitor's log
-- is as it was, and amounts are worth the same.

with

kept as (

    select * from {{ previous_version('scored_visitors', {
        'visitor_id': 'string', 'event_number': 'bigint', 'reporting_currency': 'string',
    }) }}

),

newest as (

    select
        visitor_id,
        max(event_number) as event_number
    from {{ ref('ordered_events') }}
    where
        event_at <= {{ as_of() }}
        and {{ is_in_incremental_run(ref('scored_carts'), ['visitor_id']) }}
    group by 1

),

{{ changed_rates() }},

final as (

    select coalesce(kept.visitor_id, newest.visitor_id) as visitor_id
    from kept
    full outer join newest on kept.visitor_id = newest.visitor_id
    where coalesce(kept.event_number != newest.event_number, true)

    union

    select kept.visitor_id
    from kept
    cross join {{ ref('hour_currency') }} as hour_currency
    where
        coalesce(kept.reporting_currency, '') != coalesce(hour_currency.currency, '')
        or exists (select 1 from changed_rates)

    union

    select visitor_id from {{ ref('affected_visitors') }}

)

select * from final
