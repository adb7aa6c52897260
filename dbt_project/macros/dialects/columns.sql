{#- What belongs here: lists of columns, and window functions over nulls, where the engines spell them otherwise. -#}

{#- All columns but some. -#}
{%- macro all_except(columns) -%}
{{ return(adapter.dispatch('all_except')(columns)) }}
{%- endmacro -%}

{%- macro duckdb__all_except(columns) -%}
* exclude ({{ columns | join(', ') }})
{%- endmacro -%}

{#- The last value of a window that is not null; `over (...)` follows. -#}
{%- macro last_not_null(expression) -%}
{{ return(adapter.dispatch('last_not_null')(expression)) }}
{%- endmacro -%}

{%- macro duckdb__last_not_null(expression) -%}
last_value({{ expression }} ignore nulls)
{%- endmacro -%}
