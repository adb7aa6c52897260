-- The log of the touched visitors, gathered once for all tables that are rebuilt from it; a full build reads the log.

select
    ordered_events.row_key,
    ordered_events.visitor_id,
    ordered_events.owner_id,
    ordered_events.event_at,
    ordered_events.event_rank,
    ordered_events.is_activity,
    ordered_events.context_told,
    ordered_events.event_number,
    ordered_events.session_number,
    ordered_events.is_session_start,
    touched_rows.source,
    touched_rows.event_id,
    touched_rows.user_id,
    touched_rows.event_type,
    touched_rows.item_id,
    touched_rows.quantity,
    touched_rows.price,
    touched_rows.currency,
    touched_rows.order_id,
    touched_rows.order_value
from {{ ref('ordered_events') }} as ordered_events
inner join {{ ref('touched_rows') }} as touched_rows on ordered_events.row_key = touched_rows.row_key
where {{ touched_by(ref('touched_visitors'), ['ordered_events.visitor_id']) }}
