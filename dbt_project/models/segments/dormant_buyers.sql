-- Bought before, not seen for 60 days.

select person_id
from {{ ref('people') }}
where
    order_count > 0
    and last_seen_at <= {{ as_of() }} - interval '60' day
