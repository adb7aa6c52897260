{#-
    What belongs here: the spans of time after which something counts as over. Each gives the last instant at which it
    does not count yet: what lies behind it must be later, not equal.
-#}

{#- A session ends with its last event, and goes on with any event up to here. Past it a cart in it counts as abandoned. -#}
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
