-- The delivered rows of the touched visitors, gathered once; a full build reads them all where they lie.

select
    source,
    event_id,
    visitor_id,
    user_id,
    event_at,
    event_type,
    event_rank,
    item_id,
    quantity,
    price,
    currency,
    order_id,
    order_value,
    context_told,
    drop_reason,
    row_key
from {{ ref('candidate_events') }}
where {{ touched_by(ref('touched_visitors'), ['visitor_id']) }}
