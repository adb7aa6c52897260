{#-
    What belongs here: lists of columns, values that have a name, and window functions over nulls, where the engines
    spell them otherwise. Not here: a rule (rules/), or what only texts, times or JSON need (their own files).
-#}

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

{#- An expression over a value that has a name in it, so that it is worked out once. -#}
{%- macro with_value(name, value, expression) -%}
{{ return(adapter.dispatch('with_value')(name, value, expression)) }}
{%- endmacro -%}

{%- macro duckdb__with_value(name, value, expression) -%}
list_transform([{{ value }}], lambda {{ name }}: {{ expression }})[1]
{%- endmacro -%}

{#- Expressions by name as one value, compared by the first, then the second, and so on. -#}
{%- macro as_struct(expressions) -%}
{{ return(adapter.dispatch('as_struct')(expressions)) }}
{%- endmacro -%}

{%- macro duckdb__as_struct(expressions) -%}
struct_pack({% for name, expression in expressions.items() %}{{ name }} := {{ expression }}{% if not loop.last %}, {% endif %}{% endfor %})
{%- endmacro -%}

{#- One of the expressions of such a value. -#}
{%- macro struct_field(struct, name) -%}
{{ return(adapter.dispatch('struct_field')(struct, name)) }}
{%- endmacro -%}

{%- macro duckdb__struct_field(struct, name) -%}
struct_extract({{ struct }}, '{{ name }}')
{%- endmacro -%}
