-- The delivered rows of this run's visitors, read once; a full build reads all rows from candidate_events.

select
    source,
    event_id,
    visitor_id,
    user_id,
    event_at,
    event_type,
    viewed_type,
    item_id,
    viewed_item_id,
    item_category,
    page_key,
    quantity,
    price,
    currency,
    order_id,
    order_value,
    context_flags,
    drop_reason,
    row_key
from {{ ref('candidate_events') }}
where {{ is_in_incremental_run(ref('visitors_this_run'), ['visitor_id']) }}
