-- Seen for the first time within the last 7 days.

select person_id
from {{ ref('people') }}
where first_seen_at > {{ as_of() }} - interval '7' day
