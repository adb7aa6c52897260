{#-
    What belongs here: what follows from what came before it, row by row, which the engines spell otherwise. Not here:
    when a trigger holds (models/triggers), which gives the spans.
-#}

{#-
    Adds CTEs, the last of which is `name`: one row per firing, with the columns `keys` and fired_at. Within the spans
    of one key something fires at the first hour, and at each first hour that is a cooldown after it.

    spans: a relation with keys, from_hour, until_hour (not in it) and cooldown; disjoint within a key.
-#}
{%- macro firings(name, spans, keys) -%}
{{ return(adapter.dispatch('firings')(name, spans, keys)) }}
{%- endmacro -%}

{#- A span fires from its first hour on once a cooldown, so that each step of the recursion is a span, not a firing. -#}
{%- macro duckdb__firings(name, spans, keys) -%}
{{ name }}_chained as materialized (

    -- a span that begins a cooldown after all before it have ended, fires at its beginning whatever they did
    select
        *,
        sum(cast(is_apart as integer)) over (
            partition by {{ keys }}
            order by from_hour
            rows between unbounded preceding and current row
        ) as chain_number
    from (
        select
            *,
            coalesce(from_hour >= lag(until_hour) over (
                partition by {{ keys }}
                order by from_hour
            ) - interval '1' hour + cooldown, true) as is_apart
        from {{ spans }}
        where from_hour < until_hour
    ) as spans

),

{{ name }}_links as materialized (

    select
        spans.*,
        count(*) over (partition by {{ keys }}, chain_number) as link_count
    from {{ name }}_chained as spans

),

{{ name }}_runs as (

    with recursive runs as (

        select
            {{ keys }},
            chain_number,
            from_hour,
            until_hour,
            cooldown,
            link_count
        from {{ name }}_links
        where is_apart

        union all

        select
            {{ keys }},
            chain_number,
            min(from_hour) as from_hour,
            min_by(until_hour, from_hour) as until_hour,
            any_value(cooldown) as cooldown,
            any_value(link_count) as link_count
        from (
            select
                links.{{ keys | replace(', ', ', links.') }},
                links.chain_number,
                greatest(links.from_hour, {{ last_firing('runs') }} + links.cooldown) as from_hour,
                links.until_hour,
                links.cooldown,
                links.link_count
            from runs
            inner join {{ name }}_links as links
                on
                    {% for key in keys.split(', ') -%}
                    runs.{{ key }} = links.{{ key }}
                    and {% endfor -%}
                    runs.chain_number = links.chain_number
                    and runs.until_hour < links.until_hour
                    and {{ last_firing('runs') }} + links.cooldown < links.until_hour
            where
                runs.link_count > 1
                and links.link_count > 1
        ) as next_spans
        group by {{ keys }}, chain_number

    )

    select * from runs

),

{{ name }} as (

    select
        {{ keys }},
        unnest(generate_series(from_hour, {{ last_firing('runs') }}, cooldown)) as fired_at
    from {{ name }}_runs as runs

)
{%- endmacro -%}

{#- The last hour at which a span fires that fires at its first. -#}
{%- macro last_firing(span) -%}
(
    {{ span }}.from_hour
    + cast(floor(
        (epoch({{ span }}.until_hour) - epoch({{ span }}.from_hour) - 3600) / epoch({{ span }}.cooldown)
    ) as integer) * {{ span }}.cooldown
)
{%- endmacro -%}
