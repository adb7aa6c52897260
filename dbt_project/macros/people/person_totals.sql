{#-
    What belongs here: what sessions and views of categories say of a person as a whole: the same SQL for the whole log
    and for the log as it stood at the hour. Not here: sessions by person (person_log.sql), or what depends on how long
    ago they were, which no table can keep.
-#}

{#- What sessions say of whoever they are of, however long ago they were. -#}
{%- macro session_aggregates() -%}
min(started_at) as first_seen_at,
        max(ended_at) as last_seen_at,
        count(*) as session_count,
        max(started_at) filter (where add_count > 0) as last_add_at
{%- endmacro -%}

{#-
    Adds CTEs, the last of which is `person_totals`: a row for each person of `visits`, a relation as person_sessions, with
    the category that is viewed most in `views`, a relation as person_category_views.
-#}
{%- macro person_totals_of(visits, views) -%}
visited as (

    select
        person_id,
        bool_or(owner_id is not null) as is_known,
        {{ session_aggregates() }},
        max_by(device_type, {{ as_struct({'ended_at': 'ended_at', 'visitor_id': 'visitor_id'}) }})
        filter (where device_type is not null) as device_type,
        max_by(country, {{ as_struct({'ended_at': 'ended_at', 'visitor_id': 'visitor_id'}) }})
        filter (where country is not null) as country
    from {{ visits }}
    group by person_id

),

categories as (

    select
        person_id,
        item_category,
        row_number() over (
            partition by person_id
            order by sum(view_count) desc, max(last_viewed_at) desc, item_category asc
        ) as place
    from {{ views }}
    group by person_id, item_category

),

person_totals as (

    select
        visited.person_id,
        visited.is_known,
        visited.first_seen_at,
        visited.last_seen_at,
        visited.session_count,
        visited.last_add_at,
        visited.device_type,
        visited.country,
        categories.item_category as favourite_category
    from visited
    left join categories
        on
            visited.person_id = categories.person_id
            and categories.place = 1

)
{%- endmacro -%}
