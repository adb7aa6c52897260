{#-
    What belongs here: whose rows models learn from. What does not: the rows themselves (models/snapshots).

    The newest rows alone would be hours of a busy shop, whose outcomes nobody knows yet. So rows of a long span are taken
    of as many persons as there is room for, drawn by a hash: it does not matter in which order the log arrived, a person
    who was drawn stays so while nobody new is before them, and what is drawn of fewer rows is part of what is drawn of
    more.
-#}

{#- The first instant that is learned from. -#}
{%- macro learned_from(newest_event_at) -%}
{{ newest_event_at }} - interval '{{ var("training_days") }}' day
{%- endmacro -%}

{#- Adds a CTE: the visitors with a session that was too busy or too long for a person's by the hour. -#}
{%- macro suspected_visitors() -%}
suspected_sessions as (

    select
        visitor_id,
        session_number
    from {{ ref('ordered_events') }}
    where
        is_activity
        and event_at <= {{ as_of() }}
        and (visitor_id, session_number) in (
            select
                totals.visitor_id,
                totals.session_number
            from {{ ref('session_totals') }} as totals
            where totals.is_suspected_bot
        )
    group by visitor_id, session_number
    having {{ is_suspected_bot('count(*)', 'min(event_at)', 'max(event_at)') }}

),

suspected_visitors as (

    select distinct visitor_id
    from suspected_sessions

)
{%- endmacro -%}

{#-
    Adds CTEs, the last of which is `name`: at most `limit` rows of `relation`, all of a person's before the next one's,
    newest first, persons in the order of a hash. A person is whom the visitor was known to be last by the hour. Of one
    person at most `training_rows_of_a_person`: an account that a whole office shares would take the place of all others.

    relation: has visitor_id, the time `at`, and `keys`, which tell rows of one time apart.
-#}
{%- macro rows_of_drawn_persons(name, relation, at, keys, limit) -%}
{{ owners_by_the_hour(name ~ '_owners', relation) }},

{{ name }}_by_person as (

    select
        candidates.*,
        {{ person_id('owners.owner_id', 'candidates.visitor_id') }} as drawn_person_id
    from {{ relation }} as candidates
    left join {{ name }}_owners as owners on candidates.visitor_id = owners.visitor_id

),

{{ name }}_numbered as (

    select
        *,
        md5('learn' || chr(31) || drawn_person_id) as place,
        row_number() over (
            partition by drawn_person_id
            order by {{ at }} desc, {{ keys | join(', ') }}
        ) as person_row_number
    from {{ name }}_by_person

),

{{ name }} as (

    select {{ all_except(['drawn_person_id', 'place', 'person_row_number']) }}
    from {{ name }}_numbered
    where person_row_number <= {{ var('training_rows_of_a_person') }}
    order by place, person_row_number
    limit {{ limit }}

)
{%- endmacro -%}
