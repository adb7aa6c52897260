{#-
    What belongs here: which rows dbt's tests look at. A build that follows another tests only the rows that it
    replaced: the others were tested by builds before. `dbt test` by itself looks at all rows. Not here: the tests
    (dbt_project/tests), or which rows a model replaces (watermark.sql).
-#}

{%- macro is_incremental_test() -%}
{{ return(execute and flags.WHICH == 'build' and has_last_build()) }}
{%- endmacro -%}

{#- What a generic test looks at; the name is dbt's. -#}
{%- macro get_where_subquery(relation) -%}
{%- if is_incremental_test() -%}
    {%- for node in graph.nodes.values() if node.name == relation.identifier and node.config.materialized == 'rebuilt' -%}
{{ return('(select * from ' ~ relation ~ ' where ' ~ is_replaced(relation, node.config.meta) ~ ') as replaced') }}
    {%- endfor -%}
{%- endif -%}
{{ return(default__get_where_subquery(relation)) }}
{%- endmacro -%}

{#- The same as a condition, for a test written by hand. -#}
{%- macro is_tested(this_run, columns) -%}
{{ keys_in(this_run, columns) if is_incremental_test() else 'true' }}
{%- endmacro -%}
