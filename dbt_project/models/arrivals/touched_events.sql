-- The events that rows of new loads tell: another row may count for them now.

select distinct
    source,
    event_id
from {{ ref('candidate_events') }}
where
    {{ keys_in(ref('new_loads'), ['load_id']) }}
    and drop_reason is null
