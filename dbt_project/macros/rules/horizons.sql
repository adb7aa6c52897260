{#-
    What belongs here: the spans of time after which a session, a cart or the wait for an order is over. Each macro gives
    the last instant that still belongs to it. And what follows from having waited: whether a visitor ordered in time.
    Not here: spans of the past that features and scores count (times.sql, models/people).
-#}

{#- A session goes on with any event up to here. Once the log reaches it, a cart left open in it counts as abandoned. -#}
{%- macro session_over_at(last_event_at) -%}
{{ last_event_at }} + interval '{{ var("session_gap_minutes") }}' minute
{%- endmacro -%}

{#- Until here a cart lives that nothing touches any more. -#}
{%- macro cart_expires_at(last_touched_at) -%}
{{ last_touched_at }} + interval '{{ var("cart_expiry_days") }}' day
{%- endmacro -%}

{#- What was touched before this and not again has expired at an instant. -#}
{%- macro expired_before(instant) -%}
{{ instant }} - interval '{{ var("cart_expiry_days") }}' day
{%- endmacro -%}

{#- Until here an order recovers an abandoned cart within so many hours. -#}
{%- macro recovery_ends_at(abandoned_at, hours) -%}
{{ abandoned_at }} + interval '{{ hours }}' hour
{%- endmacro -%}

{#- Until here an order makes the label of a snapshot true. -#}
{%- macro label_horizon_ends_at(as_of) -%}
{{ as_of }} + interval '{{ var("label_horizon_hours") }}' hour
{%- endmacro -%}

{#-
    Whether an order falls within the horizon of an instant: true as soon as one is seen, false once the log has passed
    the horizon, else null. `next_order_at` is the first order after the instant that counts for the visitor. The label
    of snapshots and what became of scores (orchestration renders this macro).
-#}
{%- macro converts_within_horizon(as_of, next_order_at, newest_event_at) -%}
case
    when {{ next_order_at }} <= {{ label_horizon_ends_at(as_of) }}
        then true
    when {{ newest_event_at }} > {{ label_horizon_ends_at(as_of) }}
        then false
end
{%- endmacro -%}
