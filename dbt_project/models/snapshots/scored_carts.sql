-- The carts to score: every cart that was open at the hour and touched within the scoring window before it.

select
    touches.cart_id,
    touches.visitor_id,
    touches.touch_number,
    touches.cart_started_at,
    touches.touched_at,
    touches.cart_quantity,
    touches.cart_line_count,
    touches.cart_add_count,
    touches.cart_remove_count,
    touches.previous_cart_count,
    touches.previous_converted_count,
    {{ as_of() }} as as_of
from {{ ref('cart_touches') }} as touches
where
    touches.touched_at <= {{ as_of() }}
    and touches.touched_at >= {{ as_of() }} - interval '{{ var("scoring_window_days") }}' day
    and coalesce(touches.next_touched_at > {{ as_of() }}, true)
    and {{ is_touched_cart_open('touches', as_of()) }}
