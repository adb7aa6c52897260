{#-
    What belongs here: the watermark, and what a model asks of it: whether this build follows the last one, and which
    rows it then reads. Not here: how a table is written (strategy.sql), what begins and ends a build (build.sql), what
    tests look at (tests.sql), and what new rows change, which the models in models/incremental say.

    The watermark is the one row of `last_build`, written when every table of a build is done: a build that dies leaves
    it as it was, and the next one does all of it again. The table goes after a change of settings or of SQL, and under
    --full-refresh: then every table is built from all rows. Whether it is there dbt knows without asking.
-#}

{%- macro last_build() -%}
{{ return(api.Relation.create(database=target.database, schema=target.schema, identifier='last_build')) }}
{%- endmacro -%}

{%- macro has_last_build() -%}
{{ return(load_cached_relation(last_build()) is not none) }}
{%- endmacro -%}

{#- Whether this model only takes up what was loaded since the last build; else it is built from all rows. -#}
{%- macro is_incremental_build() -%}
{{ return(execute and load_cached_relation(this) is not none and has_last_build()) }}
{%- endmacro -%}

{#- The watermark, for models; no rows in a full build. -#}
{%- macro watermark() -%}
{{ previous_version('last_build', {
    'load_id': 'bigint', 'newest_event_at': 'timestamp', 'reporting_currency': 'string', 'as_of': 'timestamp',
}) }}
{%- endmacro -%}

{#- A table as the last build left it, for a model that runs before this build changes it; no rows in a full build. -#}
{%- macro previous_version(name, columns) -%}
{%- if is_incremental_build() -%}
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

{#- What a table is built from: a this-run table, or all there is in a full build. -#}
{%- macro this_run_or_all(this_run, all_rows) -%}
{{ return(this_run if is_incremental_build() else all_rows) }}
{%- endmacro -%}

{#- A condition on the rows that a model reads: those with a key in the this-run table, or all in a full build. -#}
{%- macro is_in_this_run(this_run, columns) -%}
{{ keys_in(this_run, columns) if is_incremental_build() else 'true' }}
{%- endmacro -%}

{#- The same for the this-run tables themselves, which are empty in a full build. -#}
{%- macro is_in_incremental_run(this_run, columns) -%}
{{ keys_in(this_run, columns) if execute and has_last_build() else 'false' }}
{%- endmacro -%}

{#- Whether the relation has a row with these columns. -#}
{%- macro keys_in(relation, columns) -%}
({{ columns | join(', ') }}) in (
    select {% for column in columns %}{{ column.split('.') | last }}{% if not loop.last %}, {% endif %}{% endfor %}
    from {{ relation }}
)
{%- endmacro -%}
