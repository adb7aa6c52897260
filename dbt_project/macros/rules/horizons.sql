{#-
    What belongs here: the spans of time after which a session, a cart or the wait for an order is over. Each macro gives
    the last instant that still belongs to it.
-#}

{#- A session goes on with any event up to here. Once the log reaches it, a cart left open in it counts as abandoned. -#}
{%- macro session_over_at(last_event_at) -%}
{{ last_event_at }} + interval '{{ var("session_gap_minutes") }}' minute
{%- endmacro -%}

{#- Until here a cart lives that nothing touches any more. -#}
{%- macro cart_expires_at(last_touched_at) -%}
{{ last_touched_at }} + interval '{{ var("cart_expiry_days") }}' day
{%- endmacro -%}

{#- Until here an order makes the label of a snapshot true. -#}
{%- macro label_horizon_ends_at(as_of) -%}
{{ as_of }} + interval '{{ var("label_horizon_hours") }}' hour
{%- endmacro -%}
