-- The events that rows of new loads are of: another of their rows may count now.

select distinct
    source,
    event_id
from {{ ref('candidate_events') }}
where
    {{ keys_in(ref('loads_this_run'), ['load_id']) }}
    and drop_reason is null
