{#-
    What belongs here: the rule by which a session is suspected not to be a person. Not here: what is left out for it:
    models that learn, score or export ask this rule.
-#}

{#-
    A session with more events, or longer, than a person makes; up to `last_event_at` it had `event_count` of them. With
    exactly as many events, or exactly as long, it is no suspect.
-#}
{%- macro is_suspected_bot(event_count, started_at, last_event_at) -%}
(
    {{ event_count }} > {{ var('bot_event_count') }}
    or {{ last_event_at }} > {{ started_at }} + interval '{{ var("bot_session_hours") }}' hour
)
{%- endmacro -%}
