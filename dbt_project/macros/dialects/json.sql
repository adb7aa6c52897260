{#- What belongs here: JSON in text columns, which each engine reads in its own way. -#}

{#- The text as JSON, null when it cannot be read: of a broken object the fields are lost, not the row. -#}
{%- macro json_object(column) -%}
{{ return(adapter.dispatch('json_object')(column)) }}
{%- endmacro -%}

{%- macro duckdb__json_object(column) -%}
try_cast({{ column }} as json)
{%- endmacro -%}

{#- A field of it as text, null where there is none. -#}
{%- macro json_text(json, path) -%}
{{ return(adapter.dispatch('json_text')(json, path)) }}
{%- endmacro -%}

{%- macro duckdb__json_text(json, path) -%}
json_extract_string({{ json }}, '{{ path }}')
{%- endmacro -%}
