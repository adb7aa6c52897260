-- The days on which new rows add an event or take one away, as a copy of it counts now; none in a full build.

select cast(event_at as date) as day
from {{ ref('candidate_events') }}
where
    {{ keys_in(ref('loads_this_run'), ['load_id']) }}
    and drop_reason is null

union

select cast(event_at as date) as day
from {{ ref('duplicate_rows') }}
where {{ keys_in(ref('events_this_run'), ['source', 'event_id']) }}
