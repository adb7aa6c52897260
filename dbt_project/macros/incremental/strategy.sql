{#-
    What belongs here: the materialisations, so how a build that follows another writes a table or leaves a view. Not
    here: whether a build follows another (watermark.sql).

    What is there was made by the same SQL, so a build that follows fills tables and makes none: names, types, comments
    and contracts are as they were.
-#}

{#-
    A table of which a build replaces only the rows whose keys another relation has; deleted and inserted in one
    transaction. meta.rebuilt_for says which: {<model>: [<key columns>]}; meta.rebuilt_after which others, by their
    time: {<column>: as_of}, after the hour of the last build, or after this one's where that is earlier. Without
    rebuilt_for all rows are replaced: a table of the hour.
-#}
{%- materialization rebuilt, adapter='duckdb' -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing_relation = load_cached_relation(this) -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- if is_incremental_build() -%}
        {%- call statement('main') -%}
            delete from {{ target_relation }}
            where {{ is_replaced(target_relation, config.get('meta')) }};
            insert into {{ target_relation }} by name (
                {{ sql }}
            );
        {%- endcall -%}
    {%- else -%}
        {%- if existing_relation is not none -%}
            {%- do adapter.drop_relation(existing_relation) -%}
        {%- endif -%}
        {%- call statement('main') -%}
            {{ create_table(target_relation, sql, config.get('meta').uncompressed) }}
        {%- endcall -%}
        {%- do persist_docs(target_relation, model) -%}
    {%- endif -%}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target_relation]}) }}
{%- endmaterialization -%}

{#- A condition on the rows of a rebuilt table that a build replaces. -#}
{%- macro is_replaced(relation, meta) -%}
{%- for name, keys in (meta.rebuilt_for or {}).items() -%}
{{ keys_in(relation.incorporate(path={'identifier': name}), keys) }}
{%- else -%}
true
{%- endfor -%}
{%- for column, hour in (meta.rebuilt_after or {}).items() %}
or {{ column }} > (select least(last_build.{{ hour }}, {{ as_of() }}) from {{ last_build() }} as last_build)
{%- endfor -%}
{%- endmacro -%}

{#- A view whose text does not change from hour to hour: it is made in a full build and then left as it is. -#}
{%- materialization standing_view, adapter='duckdb' -%}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- if is_incremental_build() -%}
        {%- call noop_statement('main', 'left as it is') -%}{%- endcall -%}
        {{ return({'relations': [target_relation]}) }}
    {%- endif -%}
    {{ return(materialization_view_default()) }}
{%- endmaterialization -%}

{#-
    A view of the hour, whose text is another each hour. What it and its columns hold is in the database only until it is
    made again, which takes comments away: to write them takes longer than to make it, and nobody but an hour reads it.
-#}
{%- materialization hour_view, adapter='duckdb' -%}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- if is_incremental_build() -%}
        {%- call statement('main') -%}
            create or replace view {{ target_relation }} as (
                {{ sql }}
            );
        {%- endcall -%}
        {%- do adapter.commit() -%}
        {{ return({'relations': [target_relation]}) }}
    {%- endif -%}
    {{ return(materialization_view_default()) }}
{%- endmaterialization -%}
