-- Away for at least three times as long as they are as a rule from one session to the next, of at least 3 sessions.

{% set away_us = epoch_us(as_of()) ~ ' - ' ~ epoch_us('last_seen_at') -%}
{% set seen_us = epoch_us('last_seen_at') ~ ' - ' ~ epoch_us('first_seen_at') -%}

select person_id
from {{ ref('people') }}
where
    session_count >= 3
    and ({{ away_us }}) * (session_count - 1) >= 3 * ({{ seen_us }})
