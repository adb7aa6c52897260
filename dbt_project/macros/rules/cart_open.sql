{#-
    What belongs here: the rule by which a cart is open at an instant. What does not: how a cart is closed
    (models/carts/cart_operations.sql).
-#}

{#-
    Whether a row of carts, as `cart`, was open at an instant: begun by then, and closed only later. What closes it at
    that instant has closed it, but for its expiry: at the very end of its 30 days an untouched cart still lives.
-#}
{%- macro is_cart_open(cart, instant) -%}
(
    {{ cart }}.started_at <= {{ instant }}
    and (
        {{ cart }}.closed_at is null
        or {{ cart }}.closed_at > {{ instant }}
        or ({{ cart }}.status = 'expired' and {{ cart }}.closed_at = {{ instant }})
    )
)
{%- endmacro -%}

{#-
    Whether a row of cart_touches, the last one by an instant, is of a cart that was open then. That it was untouched for
    too long is judged by the instant and not by the end of the log, which may lie before or after it.
-#}
{%- macro is_touched_cart_open(touch, instant) -%}
(
    coalesce({{ touch }}.closed_at > {{ instant }}, true)
    and {{ cart_expires_at(touch ~ '.touched_at') }} >= {{ instant }}
)
{%- endmacro -%}
