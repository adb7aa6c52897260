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
{%- if config.get('contract').enforced -%}
{{ get_assert_columns_equivalent(sql) }}
{%- endif -%}
{%- for column in model.columns.values() -%}
    {%- for each in column.constraints or [] if each.type != 'not_null' -%}
        {%- do exceptions.raise_compiler_error('create_table: no column with uncompressed ones beside it may be ' ~ each.type) -%}
    {%- endfor -%}
{%- endfor -%}
create table {{ relation }} (
    {% for column in get_column_schema_from_query(sql) -%}
        {{ adapter.quote(column.name) }} {{ column.dtype }}
        {%- if column.name in uncompressed %} using compression uncompressed{% endif %}
        {%- for each in (model.columns[column.name] or {}).constraints or [] if each.type == 'not_null' %} not null{% endfor %}
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
    What a table or view and its columns hold, as comments; the name is dbt's. dbt's own macro asks twice which columns
    there are, each time of the whole catalogue, and that was a tenth of the CPU time of building a small log.
-#}
{%- macro duckdb__persist_docs(relation, model, for_relation, for_columns) -%}
{%- set comments = [] -%}
{%- if for_relation and config.persist_relation_docs() and model.description -%}
    {%- do comments.append(alter_relation_comment(relation, model.description)) -%}
{%- endif -%}
{%- if for_columns and config.persist_column_docs() and model.columns -%}
    {%- set existing = run_query('select * from ' ~ relation ~ ' limit 0').column_names | list -%}
    {%- for name, column in validate_doc_columns(relation, model.columns, existing).items() -%}
        {%- do comments.append(
            'comment on column ' ~ relation ~ '.' ~ (adapter.quote(name) if column.quote else name)
            ~ ' is ' ~ duckdb_escape_comment(column.description) ~ ';'
        ) -%}
    {%- endfor -%}
{%- endif -%}
{%- if comments -%}
    {%- do run_query(comments | join('\n')) -%}
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
