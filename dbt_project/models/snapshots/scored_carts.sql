-- The carts to score: every cart that was open at the hour and touched within the scoring window before it.

select
    cart_id,
    visitor_id,
    touch_number,
    cart_started_at,
    touched_at,
    cart_quantity,
    cart_line_count,
    cart_value,
    cart_add_count,
    cart_remove_count,
    previous_cart_count,
    previous_converted_count,
    previous_mean_cart_value,
    {{ as_of() }} as as_of
from {{ ref('cart_touches') }} as touches
where
    touched_at <= {{ as_of() }}
    and touched_at >= {{ as_of() }} - interval '{{ var("scoring_window_days") }}' day
    and coalesce(next_touched_at > {{ as_of() }}, true)
    and {{ is_touched_cart_open('touches', as_of()) }}
