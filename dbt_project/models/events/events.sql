-- The log: each event once, with its place in its visitor's order and all its fields.
--
-- Columns only: under an expression DuckDB would join the whole log before it looks whose events are asked for.

with

ordered_events as (

    select * from {{ ref('ordered_events') }}

),

candidate_events as (

    select * from {{ ref('candidate_events') }}

),

final as (

    select
        ordered_events.row_key,
        candidate_events.source,
        candidate_events.event_id,
        ordered_events.visitor_id,
        candidate_events.user_id,
        ordered_events.owner_id,
        ordered_events.event_at,
        ordered_events.event_rank,
        ordered_events.event_type,
        ordered_events.counted_as,
        ordered_events.is_activity,
        ordered_events.context_flags,
        ordered_events.event_number,
        ordered_events.session_number,
        ordered_events.is_session_start,
        ordered_events.previous_activity_at,
        ordered_events.item_id,
        candidate_events.item_category,
        candidate_events.item_brand,
        candidate_events.quantity,
        candidate_events.price,
        candidate_events.currency,
        candidate_events.order_id,
        candidate_events.order_value,
        candidate_events.page_url,
        candidate_events.page_type,
        candidate_events.referrer,
        candidate_events.utm_source,
        candidate_events.utm_medium,
        candidate_events.utm_campaign,
        candidate_events.device_type,
        candidate_events.country,
        candidate_events.load_id,
        candidate_events.line
    from ordered_events
    inner join candidate_events on ordered_events.row_key = candidate_events.row_key

)

select * from final
