{#-
    What belongs here: which sources of events a build reads. Not here: which sources there are: orchestration finds
    them in models/staging.
-#}

{#-
    The sources of events that have rows; where nobody says which, as when the project is parsed, all of them. The SQL
    of a source without rows takes longer to plan than a small log to build.
-#}
{%- macro sources_with_rows() -%}
{{ return(var('sources_with_rows', var('event_sources'))) }}
{%- endmacro -%}

{#-
    For a CTE over all of these sources that is read again for a few columns: not to keep the whole of it meanwhile, where
    the sources deliver the columns as they are. Where JSON is parsed for them, the engine chooses.
-#}
{%- macro not_kept_if_delivered(columns) -%}
{%- set found = namespace(count=0) -%}
{%- if execute -%}
    {%- for node in graph.get('sources', {}).values() if node.schema == 'raw' and node.name in sources_with_rows() -%}
        {%- set found.count = found.count + columns | select('in', node.columns) | list | length -%}
    {%- endfor -%}
{%- endif -%}
{%- if found.count == columns | length * sources_with_rows() | length %} not materialized{% endif -%}
{%- endmacro -%}
