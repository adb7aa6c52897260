-- The touched visitors, and those whose carts the passing of time changes: since the last build the log's end came to,
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
            cart_operations.event_at + interval '{{ var("cart_expiry_days") }}' day
            between log_ends.earlier and log_ends.later
    where cart_operations.is_touch

),

left_sessions as (

    select
        session_totals.visitor_id,
        session_totals.started_at,
        session_totals.ended_at
    from {{ ref('session_totals') }} as session_totals
    inner join log_ends
        on
            session_totals.ended_at + interval '{{ var("session_gap_minutes") }}' minute
            between log_ends.earlier and log_ends.later

),

leaving as (

    select left_sessions.visitor_id
    from left_sessions
    inner join cart_operations
        on
            left_sessions.visitor_id = cart_operations.visitor_id
            and cart_operations.cart_started_at between left_sessions.started_at and left_sessions.ended_at

),

final as (

    select visitor_id from {{ ref('touched_visitors') }}
    union
    select visitor_id from expiring
    union
    select visitor_id from leaving

    {%- if follows_last_build() %}
    -- what a build named that then died: it may have been at work with another end of the log
    union
    select visitor_id from {{ this }}
    {%- endif %}

)

select * from final
