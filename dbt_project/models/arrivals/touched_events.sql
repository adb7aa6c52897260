-- The events that rows of new loads tell: another row may count for them now.

select distinct
    source,
    event_id
from {{ ref('candidate_events') }}
where
    load_id in (select load_id from {{ ref('new_loads') }})
    and drop_reason is null
