{#-
    What belongs here: what a session is made of, once the log is cut: the same for the sessions of the whole log and for
    those that stood at an hour. Not here: where the log is cut (models/events/ordered_events.sql), what else happened in
    a session (models/sessions), or when it is no person's (bot.sql).
-#}

{#- Columns of the active events of a session, for `group by visitor_id, session_number`. -#}
{%- macro session_bounds() -%}
visitor_id,
        session_number,
        min(event_at) as started_at,
        max(event_at) as ended_at,
        -- an owner is carried forward, so whether nulls are skipped, as on DuckDB, makes no difference
        max_by(owner_id, event_number) as owner_id,
        max(event_number) as last_event_number,
        count(*) as event_count
{%- endmacro -%}

{#- The id of a session with these bounds. -#}
{%- macro session_id(session) -%}
{{ started_id('session', session ~ '.visitor_id', session ~ '.started_at') }}
{%- endmacro -%}

{#- Whether a session with these bounds is suspected to be a bot's. -#}
{%- macro is_bot_session(session) -%}
{{ is_suspected_bot(session ~ '.event_count', session ~ '.started_at', session ~ '.ended_at') }}
{%- endmacro -%}
