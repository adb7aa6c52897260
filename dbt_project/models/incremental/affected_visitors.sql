-- This run's visitors, and those whose carts the passing of time changes: since the last build the log's end came to,
-- or went back behind, the instant at which a cart expires or counts as abandoned; and those whose carts or orders are
-- worth something else since, because rates came or the reporting currency is another one.

{{ config(materialized='table') }}

with

newest_event as (

    select max(event_at) as event_at
    from {{ ref('ordered_events') }}

),

log_ends as (

    select
        least(last_build.newest_event_at, newest_event.event_at) as earlier,
        greatest(last_build.newest_event_at, newest_event.event_at) as later
    from {{ watermark() }}
    cross join newest_event

),

cart_operations as (

    select * from {{ ref('cart_operations') }}

),

expiring as (

    select cart_operations.visitor_id
    from cart_operations
    inner join log_ends
        on
            {{ cart_expires_at('cart_operations.event_at') }}
            between log_ends.earlier and log_ends.later
    where cart_operations.is_touch

),

ended_sessions as (

    select
        session_totals.visitor_id,
        session_totals.started_at,
        session_totals.ended_at
    from {{ ref('session_totals') }} as session_totals
    inner join log_ends
        on
            {{ session_over_at('session_totals.ended_at') }}
            between log_ends.earlier and log_ends.later

),

abandoning as (

    select ended_sessions.visitor_id
    from ended_sessions
    inner join cart_operations
        on
            ended_sessions.visitor_id = cart_operations.visitor_id
            and cart_operations.cart_started_at between ended_sessions.started_at and ended_sessions.ended_at

),

previous_carts as (

    select * from {{ previous_version('carts', {
        'cart_id': 'string', 'visitor_id': 'string', 'closed_at': 'timestamp', 'last_touched_at': 'timestamp',
    }) }}

),

{{ changed_rates() }},

revalued_carts as (

    select previous_carts.visitor_id
    from previous_carts
    inner join {{ ref('cart_lines') }} as lines on previous_carts.cart_id = lines.cart_id
    inner join changed_rates
        on
            lines.currency = changed_rates.currency
            and coalesce(previous_carts.closed_at, previous_carts.last_touched_at) >= changed_rates.valid_from
            and coalesce(previous_carts.closed_at, previous_carts.last_touched_at) < changed_rates.valid_until

),

{% if has_condition('value_at_least') -%}
-- A trigger asks what a cart was worth after each touch, whatever lies in it by now.
revalued_touches as (

    select operations.visitor_id
    from cart_operations as operations
    inner join previous_carts on operations.cart_id = previous_carts.cart_id
    inner join changed_rates
        on
            operations.line_currency = changed_rates.currency
            and operations.event_at < changed_rates.valid_until
            and previous_carts.last_touched_at >= changed_rates.valid_from
    where operations.is_touch

),

{% endif -%}
revalued_orders as (

    select amounts.visitor_id
    from {{ ref('order_amounts') }} as amounts
    inner join changed_rates
        on
            amounts.currency = changed_rates.currency
            and amounts.event_at >= changed_rates.valid_from
            and amounts.event_at < changed_rates.valid_until

),

changed_currency as (

    select log_currency.currency
    from {{ ref('log_currency') }} as log_currency
    cross join {{ watermark() }}
    where coalesce(log_currency.currency, '') != coalesce(last_build.reporting_currency, '')

),

-- All that have anything to be worth.
redenominated as (

    select previous_carts.visitor_id
    from previous_carts
    cross join changed_currency

    union

    select amounts.visitor_id
    from {{ ref('order_amounts') }} as amounts
    cross join changed_currency

),

final as (

    select visitor_id from {{ ref('visitors_this_run') }}
    union
    select visitor_id from expiring
    union
    select visitor_id from abandoning
    union
    select visitor_id from revalued_carts
    {% if has_condition('value_at_least') -%}
    union
    select visitor_id from revalued_touches
    {% endif -%}
    union
    select visitor_id from revalued_orders
    union
    select visitor_id from redenominated

    {%- if is_incremental_build() %}
    -- those of a build that died: it may have worked with another end of the log
    union
    select visitor_id from {{ this }}
    {%- endif %}

)

select * from final
