-- Persons as they were known at the hour. Of whoever did nothing later that is what the whole log says.

with

otherwise_known as (

    select person_id
    from {{ ref('person_sessions') }}
    where ended_at > {{ as_of() }}

    union

    select person_id
    from {{ ref('cut_sessions') }}

),

-- Sessions are filtered before they are made again: that reads of the others no more than whose they are.
{% set known = keys_in('otherwise_known', ['person_id']) -%}
{{ at_hour_of(
    'person_sessions', visits_of, 'visits', ends_at='ended_at', only=known, name='visits_then', columns=[
        'visitor_id', 'owner_id', 'person_id', 'started_at', 'ended_at', 'add_count', 'device_type', 'country',
    ]
) }},

{{ at_hour_of(
    'person_category_views', category_views_of, 'category_views', ends_at='last_viewed_at', only=known,
    name='views_then', columns=['person_id', 'item_category', 'view_count', 'last_viewed_at']
) }},

{{ person_totals_of('visits_then', 'views_then') }},

final as (

    {% set columns = [
        'person_id', 'is_known', 'first_seen_at', 'last_seen_at', 'session_count', 'last_add_at', 'device_type', 'country',
        'favourite_category',
    ] | join(', ') -%}
    select {{ columns }}
    from {{ ref('person_totals') }}
    where not {{ keys_in('otherwise_known', ['person_id']) }}

    union all

    select {{ columns }}
    from person_totals

)

select * from final
