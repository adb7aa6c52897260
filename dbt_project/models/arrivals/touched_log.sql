-- The log of the touched visitors, gathered once for all tables that are rebuilt from it; a full build reads the log.

{% set is_touched = keys_in(ref('touched_visitors'), ['visitor_id']) -%}

select
    row_key,
    source,
    event_id,
    visitor_id,
    user_id,
    owner_id,
    event_at,
    event_rank,
    event_type,
    is_activity,
    context_told,
    event_number,
    session_number,
    is_session_start,
    item_id,
    quantity,
    price,
    currency,
    order_id,
    order_value
from {{ ref('events') }}
where {{ is_touched if execute and is_last_build_known() else 'false' }}
