{#-
    What belongs here: hashes, where the engines spell them otherwise. Not here: which ids are hashes and of what
    (rules/ids.sql): md5 the engines spell alike.
-#}

{#- A whole number that equal values share, and others hardly ever. -#}
{%- macro hash_number(columns) -%}
{{ return(adapter.dispatch('hash_number')(columns)) }}
{%- endmacro -%}

{%- macro duckdb__hash_number(columns) -%}
hash({{ columns | join(', ') }})
{%- endmacro -%}
