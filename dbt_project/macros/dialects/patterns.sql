{#-
    What belongs here: regular expressions, where the engines spell them otherwise. regexp_extract they spell alike, as
    long as a pattern has no backslash.
-#}

{#- Whether the pattern is found anywhere in the text. -#}
{%- macro has_pattern(text, pattern) -%}
{{ return(adapter.dispatch('has_pattern')(text, pattern)) }}
{%- endmacro -%}

{%- macro duckdb__has_pattern(text, pattern) -%}
regexp_matches({{ text }}, '{{ pattern }}')
{%- endmacro -%}
