-- The days on which new rows add an event or take one away, as a copy of it counts now; none in a full build.
--
-- A view decides of page views close to it what they are, also on the other side of midnight.

with

moments as (

    select event_at
    from {{ ref('candidate_events') }}
    where
        {{ keys_in(ref('loads_this_run'), ['load_id']) }}
        and drop_reason is null

    union all

    select event_at
    from {{ ref('duplicate_rows') }}
    where {{ keys_in(ref('events_this_run'), ['source', 'event_id']) }}

)

select cast(event_at as date) as day
from moments

union

select cast(event_at - {{ page_load_interval() }} as date) as day
from moments

union

select cast(event_at + {{ page_load_interval() }} as date) as day
from moments
