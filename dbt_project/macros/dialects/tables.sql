{#-
    What belongs here: statements that make and list tables, where the engines spell them otherwise. Not here: when a
    table is made or filled (incremental/strategy.sql).
-#}

{#-
    The whole table. `uncompressed` names columns of texts that hardly ever repeat and of which an hour asks for a
    few here and there: to write and to find them compressed takes longer than the room is worth.
-#}
{%- macro create_table(relation, sql, uncompressed=none) -%}
{{ return(adapter.dispatch('create_table')(relation, sql, uncompressed)) }}
{%- endmacro -%}

{%- macro duckdb__create_table(relation, sql, uncompressed) -%}
{%- if uncompressed -%}
create table {{ relation }} (
    {% for column in get_column_schema_from_query(sql) -%}
        {{ adapter.quote(column.name) }} {{ column.dtype }}
        {%- if column.name in uncompressed %} using compression uncompressed{% endif %}
        {%- if not loop.last %},{% endif %}
    {% endfor -%}
);
insert into {{ relation }} (
    {{ sql }}
);
{%- else -%}
{{ create_table_as(False, relation, sql) }}
{%- endif -%}
{%- endmacro -%}

{#-
    Every table and view in the schema of a relation. dbt's own macro for this begins a transaction, which nothing ends
    in a hook.
-#}
{%- macro relations_beside(relation) -%}
{{ return(adapter.dispatch('relations_beside')(relation)) }}
{%- endmacro -%}

{%- macro duckdb__relations_beside(relation) -%}
{%- set relations = [] -%}
{%- set found = run_query(
    "select table_name, case table_type when 'VIEW' then 'view' else 'table' end from information_schema.tables"
    ~ " where table_catalog = '" ~ relation.database ~ "' and table_schema = '" ~ relation.schema ~ "'"
) -%}
{%- for name, type in found.rows -%}
    {%- do relations.append(relation.incorporate(path={'identifier': name}, type=type)) -%}
{%- endfor -%}
{{ return(relations) }}
{%- endmacro -%}
