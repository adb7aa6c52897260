{#- JSON in text columns. -#}

{#- The text as JSON, null when it is none: a broken object costs its own fields, not the row. -#}
{%- macro json_object(column) -%}
{{ return(adapter.dispatch('json_object')(column)) }}
{%- endmacro -%}

{%- macro duckdb__json_object(column) -%}
try_cast({{ column }} as json)
{%- endmacro -%}

{%- macro json_text(json, path) -%}
{{ return(adapter.dispatch('json_text')(json, path)) }}
{%- endmacro -%}

{%- macro duckdb__json_text(json, path) -%}
json_extract_string({{ json }}, '{{ path }}')
{%- endmacro -%}
