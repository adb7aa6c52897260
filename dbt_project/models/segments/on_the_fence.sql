-- Whose cart a nudge gains most for.

select {{ person_id('owner_id', 'visitor_id') }} as person_id
from {{ source('scores', 'cart_scores') }}
where
    scored_at = {{ as_of() }}
    and segment = 'on_the_fence'
