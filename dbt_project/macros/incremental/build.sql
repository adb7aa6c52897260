{#-
    What belongs here: what happens before the first model of a build and after the last node (on-run-start,
    on-run-end). Not here: the watermark as models see it (watermark.sql).

    `unpublished_visitors` lists whose rows changed since the tables were published last; null stands for everybody.
    Publication empties it.
-#}

{%- macro unpublished_visitors() -%}
{{ return(api.Relation.create(database=target.database, schema=target.schema, identifier='unpublished_visitors')) }}
{%- endmacro -%}

{#- The rates of exchange that the tables of the last build rest on; written with the watermark. -#}
{%- macro last_rates() -%}
{{ return(api.Relation.create(database=target.database, schema=target.schema, identifier='last_rates')) }}
{%- endmacro -%}

{#- Before the first model: the watermark goes where it no longer holds, and so do tables of older versions. -#}
{%- macro begin_build() -%}
{%- if execute and flags.WHICH in ('build', 'run') -%}
{%- if has_last_build() and (flags.FULL_REFRESH or not is_last_build_of_this_code()) -%}
    {%- do adapter.drop_relation(load_cached_relation(last_build())) -%}
{%- endif -%}
create table if not exists {{ unpublished_visitors() }} (visitor_id string);
{% if not has_last_build() -%}
{%- do drop_obsolete_relations() -%}
insert into {{ unpublished_visitors() }} values (null);
{%- endif -%}
{%- endif -%}
{%- endmacro -%}

{#-
    A table of a model that was renamed or removed would stay in the shop's warehouse with the ids of its people. So every
    relation in the schema of the models is dropped that neither a node of the project nor this file makes. So is what
    reads scores: it is built in a second step, which by then follows a build of this code, and would find the columns of
    an older one.
-#}
{%- macro drop_obsolete_relations() -%}
{%- set made = [last_build().identifier, last_rates().identifier, unpublished_visitors().identifier] -%}
{%- for node in graph.nodes.values() if node.resource_type in ('model', 'seed', 'snapshot') and node.fqn[1] != 'people' -%}
    {%- do made.append(node.alias) -%}
{%- endfor -%}
{%- for relation in relations_beside(last_build()) if relation.identifier not in made -%}
    {%- do adapter.drop_relation(relation) -%}
{%- endfor -%}
{%- endmacro -%}

{%- macro is_last_build_of_this_code() -%}
{%- set found = run_query('select fingerprint from ' ~ last_build()).rows -%}
{{ return(found | length == 1 and found[0][0] == log_fingerprint()) }}
{%- endmacro -%}

{#-
    After the last node: the watermark moves once every rebuilt table is done, or left as it is, and no test failed, and
    the tables that were kept for it are emptied; so is what a next build would read that leaves it as it is. What failed
    is built and tested again by the next build.
-#}
{%- macro finish_build(results) -%}
{%- set files, events = source('raw', 'files'), ref('ordered_events') -%}
{%- set rates, currency = ref('currency_rates'), ref('log_currency') -%}
{%- set kept = [ref('affected_visitors'), ref('previous_sessions'), ref('previous_carts'), ref('persons_this_run')] -%}
{%- if execute and flags.WHICH in ('build', 'run') and is_done(results) -%}
{%- set versions = {} -%}
{%- for trigger in var('triggers') -%}
    {%- do versions.update({trigger.name: trigger.version}) -%}
{%- endfor -%}
begin;
create or replace table {{ last_build() }} as
select
    cast((select coalesce(max(load_id), 0) from {{ files }}) as bigint) as load_id,
    (select max(event_at) from {{ events }}) as newest_event_at,
    (select currency from {{ currency }}) as reporting_currency,
    {{ as_of() }} as as_of,
    '{{ log_fingerprint() }}' as fingerprint,
    {{ text_literal(tojson(versions)) }} as triggers,
    {{ text_literal(var('inputs')) }} as inputs,
    current_timestamp at time zone 'UTC' as finished_at;
create or replace table {{ last_rates() }} as
select
    currency,
    valid_from,
    valid_until,
    rate
from {{ rates }};
insert into {{ unpublished_visitors() }}
select visitor_id from {{ kept[0] }};
{% for relation in kept -%}
delete from {{ relation }};
{% endfor -%}
commit;
{%- endif -%}
{%- endmacro -%}

{%- macro is_done(results) -%}
{%- set done = results | selectattr('status', 'equalto', 'success') | map(attribute='node.unique_id') | list -%}
{%- for node in graph.nodes.values()
    if node.config.meta.rebuilt_for and node.unique_id not in done and node.name not in var('unchanged') -%}
{{ return(false) }}
{%- endfor -%}
{{ return(results | selectattr('status', 'in', ['error', 'fail']) | list | length == 0) }}
{%- endmacro -%}
