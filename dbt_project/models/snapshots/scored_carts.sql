-- The carts to score: every cart that was open at the hour and touched within the scoring window before it.

select
    *,
    {{ as_of() }} as as_of
from {{ ref('cart_touches') }}
where
    touched_at <= {{ as_of() }}
    and touched_at >= {{ as_of() }} - interval '{{ var("scoring_window_days") }}' day
    and coalesce(next_touched_at > {{ as_of() }}, true)
    and coalesce(closed_at > {{ as_of() }}, true)
