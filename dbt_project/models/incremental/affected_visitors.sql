-- This run's visitors, and those whose carts the passing of time changes: since the last build the log's end came to,
-- or went back behind, the instant at which a cart expires or counts as abandoned.

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

final as (

    select visitor_id from {{ ref('visitors_this_run') }}
    union
    select visitor_id from expiring
    union
    select visitor_id from abandoning

    {%- if is_incremental_build() %}
    -- those of a build that died: it may have worked with another end of the log
    union
    select visitor_id from {{ this }}
    {%- endif %}

)

select * from final
