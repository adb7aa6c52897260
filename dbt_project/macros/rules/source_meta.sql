{#-
    What belongs here: reading what a source declares beside its columns (`meta` in its yml). What does not: what is made of
    it (amounts.sql, times.sql, staging/canonical_fields.sql).
-#}

{#- The value of a key; the default where the source declares none, and while the project is parsed. -#}
{%- macro source_meta(source_name, key, default) -%}
{%- set found = namespace(value=default) -%}
{%- if execute -%}
    {%- for node in graph.get('sources', {}).values() if node.schema == 'raw' and node.name == source_name -%}
        {%- set found.value = node.config.meta.get(key) or node.meta.get(key) or default -%}
    {%- endfor -%}
{%- endif -%}
{{ return(found.value) }}
{%- endmacro -%}
