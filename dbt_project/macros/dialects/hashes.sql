{#- What belongs here: hashes, where the engines spell them otherwise. -#}

{#- A whole number that equal values share, and others hardly ever. -#}
{%- macro hash_number(columns) -%}
{{ return(adapter.dispatch('hash_number')(columns)) }}
{%- endmacro -%}

{%- macro duckdb__hash_number(columns) -%}
hash({{ columns | join(', ') }})
{%- endmacro -%}
