{#-
    Building by arrival: what the loads since the last build can have changed is named, deleted and built again, and
    nothing else. Here stand the watermark, the choice between a full build and one that follows it, and how a table is
    rebuilt in part. What new rows touch is said by the models in models/arrivals.

    The watermark is the one row of `last_build`, written when every rebuilt table of a run is done: a build that dies
    leaves it as it was, and the next one does all of it again. The table goes after a change of settings or of SQL, and
    under --full-refresh: then every table is built from all rows. Whether it is there dbt knows without asking.

    What stands was made by the same SQL, so a build that follows fills tables and makes none: names, types, comments and
    contracts are as they were.

    `unpublished_visitors` names whose rows are others since the tables were published last; null stands for everybody.
    Publication empties it.
-#}

{%- macro last_build() -%}
{{ return(api.Relation.create(database=target.database, schema=target.schema, identifier='last_build')) }}
{%- endmacro -%}

{%- macro unpublished_visitors() -%}
{{ return(api.Relation.create(database=target.database, schema=target.schema, identifier='unpublished_visitors')) }}
{%- endmacro -%}

{#- Whether this table only takes up what came since the last build. -#}
{%- macro follows_last_build() -%}
{{ return(execute and load_cached_relation(this) is not none and is_last_build_known()) }}
{%- endmacro -%}

{%- macro is_last_build_known() -%}
{{ return(load_cached_relation(last_build()) is not none) }}
{%- endmacro -%}

{#- The watermark, for models; no rows in a full build. -#}
{%- macro watermark() -%}
{{ as_last_built('last_build', {'load_id': 'bigint', 'newest_event_at': 'timestamp'}) }}
{%- endmacro -%}

{#- A table as the last build left it, for a model that must see it before it is rebuilt; no rows in a full build. -#}
{%- macro as_last_built(name, columns) -%}
{%- if follows_last_build() -%}
{{ this.incorporate(path={'identifier': name}) }}
{%- else -%}
(
    select
        {% for column, type in columns.items() -%}
            cast(null as {{ type }}) as {{ column }}{% if not loop.last %},{% endif %}
        {% endfor -%}
    where false
) as {{ name }}
{%- endif -%}
{%- endmacro -%}

{#- A condition on the rows that a rebuilt table reads: those that the relation names, or all in a full build. -#}
{%- macro named_by(relation, columns) -%}
{%- if follows_last_build() -%}
{{ keys_in(relation, columns) }}
{%- else -%}
true
{%- endif -%}
{%- endmacro -%}

{#-
    What a table is rebuilt from: `touched`, what was gathered of the touched visitors once for all tables, or `whole`
    in a full build.
-#}
{%- macro touched_or_all(touched, whole) -%}
{{ return(touched if follows_last_build() else whole) }}
{%- endmacro -%}

{#- A condition on a table that holds what is touched: those that the relation names, and none in a full build. -#}
{%- macro touched_by(relation, columns) -%}
{{ keys_in(relation, columns) if execute and is_last_build_known() else 'false' }}
{%- endmacro -%}

{#- Whether the relation has a row of these columns. -#}
{%- macro keys_in(relation, columns) -%}
({{ columns | join(', ') }}) in (
    select {% for column in columns %}{{ column.split('.') | last }}{% if not loop.last %}, {% endif %}{% endfor %}
    from {{ relation }}
)
{%- endmacro -%}

{#-
    A table of which a build replaces only the rows whose keys another relation names; deleted and inserted in one
    transaction. meta.rebuilt_for says which: {<model>: [<key columns>]}. Without it all rows are replaced: a table of
    the hour.
-#}
{%- materialization rebuilt, adapter='duckdb' -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set existing_relation = load_cached_relation(this) -%}
    {%- set is_partial = follows_last_build() -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- if is_partial -%}
        {%- call statement('main') -%}
            delete from {{ target_relation }}
            where {{ is_rebuilt_for(target_relation, config.get('meta').rebuilt_for) }};
            insert into {{ target_relation }} by name (
                {{ sql }}
            );
        {%- endcall -%}
    {%- else -%}
        {%- if existing_relation is not none -%}
            {%- do adapter.drop_relation(existing_relation) -%}
        {%- endif -%}
        {%- call statement('main') -%}
            {{ create_rebuilt_table(target_relation, sql, config.get('meta').uncompressed) }}
        {%- endcall -%}
        {%- do persist_docs(target_relation, model) -%}
    {%- endif -%}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {%- do adapter.commit() -%}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target_relation]}) }}
{%- endmaterialization -%}

{#-
    The whole table. meta.uncompressed names columns of texts that hardly ever repeat and of which an hour asks for a
    few here and there: to write and to find them compressed takes longer than the room is worth.
-#}
{%- macro create_rebuilt_table(relation, sql, uncompressed=none) -%}
{{ return(adapter.dispatch('create_rebuilt_table')(relation, sql, uncompressed)) }}
{%- endmacro -%}

{%- macro duckdb__create_rebuilt_table(relation, sql, uncompressed) -%}
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

{#- A condition on the rows of a rebuilt table that a build replaces. -#}
{%- macro is_rebuilt_for(relation, rebuilt_for) -%}
{%- for name, keys in (rebuilt_for or {}).items() -%}
{{ keys_in(relation.incorporate(path={'identifier': name}), keys) }}
{%- else -%}
true
{%- endfor -%}
{%- endmacro -%}

{#- A view that says the same every hour: it stands as long as its SQL does. -#}
{%- materialization standing_view, adapter='duckdb' -%}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- if follows_last_build() -%}
        {%- call noop_statement('main', 'stands') -%}{%- endcall -%}
        {{ return({'relations': [target_relation]}) }}
    {%- endif -%}
    {{ return(materialization_view_default()) }}
{%- endmaterialization -%}

{#- Whether tests look only at what this build rebuilt: the rest was looked at by builds before. -#}
{%- macro is_partial_build_tested() -%}
{{ return(execute and flags.WHICH == 'build' and is_last_build_known()) }}
{%- endmacro -%}

{#- What a generic test looks at. -#}
{%- macro get_where_subquery(relation) -%}
{%- if is_partial_build_tested() -%}
    {%- for node in graph.nodes.values() if node.name == relation.identifier and node.config.materialized == 'rebuilt' -%}
{{ return('(select * from ' ~ relation ~ ' where ' ~ is_rebuilt_for(relation, node.config.meta.rebuilt_for) ~ ') as rebuilt') }}
    {%- endfor -%}
{%- endif -%}
{{ return(default__get_where_subquery(relation)) }}
{%- endmacro -%}

{#- The same as a condition, for a test written by hand. -#}
{%- macro tested_by(relation, columns) -%}
{{ keys_in(relation, columns) if is_partial_build_tested() else 'true' }}
{%- endmacro -%}

{#-
    What a change of makes all tables old: the variables of the log, the models, and `code_version` for the rest.
    `log_variables` names what a shop may set of it, as a list or as a mapping to its defaults.
-#}
{%- macro log_fingerprint() -%}
{%- set parts = [] -%}
{%- for name in ['event_sources', 'code_version'] + var('log_variables') | list -%}
    {%- do parts.append(name ~ '=' ~ tojson(var(name))) -%}
{%- endfor -%}
{%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
    {%- do parts.append(node.unique_id ~ '=' ~ node.checksum.checksum) -%}
{%- endfor -%}
{{ return(local_md5(parts | sort | join('\n'))) }}
{%- endmacro -%}

{#- Before the first model: the watermark goes where it no longer holds. -#}
{%- macro begin_build() -%}
{%- if execute and flags.WHICH in ('build', 'run') -%}
{%- if is_last_build_known() and (flags.FULL_REFRESH or not is_last_build_of_this_code()) -%}
    {%- do adapter.drop_relation(load_cached_relation(last_build())) -%}
{%- endif -%}
create table if not exists {{ unpublished_visitors() }} (visitor_id varchar);
{% if not is_last_build_known() -%}
insert into {{ unpublished_visitors() }} values (null);
{%- endif -%}
{%- endif -%}
{%- endmacro -%}

{%- macro is_last_build_of_this_code() -%}
{%- set found = run_query('select fingerprint from ' ~ last_build()).rows -%}
{{ return(found | length == 1 and found[0][0] == log_fingerprint()) }}
{%- endmacro -%}

{#-
    After the last node: the watermark moves once every rebuilt table is done and no test failed, and what was noted
    for it is forgotten. What failed is built and tested again by the next build.
-#}
{%- macro finish_build(results) -%}
{%- set files, events = source('raw', 'files'), ref('ordered_events') -%}
{%- set noted = [ref('affected_visitors'), ref('former_sessions'), ref('former_carts')] -%}
{%- if execute and flags.WHICH in ('build', 'run') and is_done(results) -%}
begin;
create or replace table {{ last_build() }} as
select
    cast((select coalesce(max(load_id), 0) from {{ files }}) as bigint) as load_id,
    (select max(event_at) from {{ events }}) as newest_event_at,
    '{{ log_fingerprint() }}' as fingerprint,
    current_timestamp at time zone 'UTC' as finished_at;
insert into {{ unpublished_visitors() }}
select visitor_id from {{ noted[0] }};
{% for relation in noted -%}
delete from {{ relation }};
{% endfor -%}
commit;
{%- endif -%}
{%- endmacro -%}

{%- macro is_done(results) -%}
{%- set done = results | selectattr('status', 'equalto', 'success') | map(attribute='node.unique_id') | list -%}
{%- for node in graph.nodes.values() if node.config.meta.rebuilt_for and node.unique_id not in done -%}
{{ return(false) }}
{%- endfor -%}
{{ return(results | selectattr('status', 'in', ['error', 'fail']) | list | length == 0) }}
{%- endmacro -%}
