{#- What belongs here: what makes a build a full one, as one hash over settings and SQL. -#}

{#- What a change of makes all tables old: the settings of the log, the models, and `code_version` for the rest. -#}
{%- macro log_fingerprint() -%}
{%- set parts = [] -%}
{%- for name in [
    'event_sources', 'session_gap_minutes', 'passive_event_types', 'bot_event_count', 'bot_session_hours',
    'cart_expiry_days', 'clock_skew_minutes', 'code_version',
] -%}
    {%- do parts.append(name ~ '=' ~ tojson(var(name))) -%}
{%- endfor -%}
{%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
    {%- do parts.append(node.unique_id ~ '=' ~ node.checksum.checksum) -%}
{%- endfor -%}
{{ return(local_md5(parts | sort | join('\n'))) }}
{%- endmacro -%}
