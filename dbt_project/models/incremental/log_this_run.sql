-- The log of this run's visitors, read once for all tables that are rebuilt from it; a full build reads the whole log.

select
    ordered_events.row_key,
    ordered_events.visitor_id,
    ordered_events.owner_id,
    ordered_events.event_at,
    ordered_events.event_rank,
    ordered_events.is_activity,
    ordered_events.context_flags,
    ordered_events.event_number,
    ordered_events.session_number,
    ordered_events.is_session_start,
    rows_this_run.source,
    rows_this_run.event_id,
    rows_this_run.user_id,
    ordered_events.event_type,
    ordered_events.counted_as,
    ordered_events.item_id,
    rows_this_run.item_category,
    rows_this_run.quantity,
    rows_this_run.price,
    rows_this_run.currency,
    rows_this_run.order_id,
    rows_this_run.order_value
from {{ ref('ordered_events') }} as ordered_events
inner join {{ ref('rows_this_run') }} as rows_this_run on ordered_events.row_key = rows_this_run.row_key
where {{ is_in_incremental_run(ref('visitors_this_run'), ['ordered_events.visitor_id']) }}
