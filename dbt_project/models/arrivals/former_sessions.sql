-- The sessions of the touched visitors as they were before new rows are taken up.

select
    session_id,
    visitor_id,
    started_at,
    ended_at,
    event_count
from {{ as_last_built('session_totals', {
    'session_id': 'varchar', 'visitor_id': 'varchar', 'started_at': 'timestamp', 'ended_at': 'timestamp', 'event_count': 'bigint',
}) }}
where {{ keys_in(ref('touched_visitors'), ['visitor_id']) }}
