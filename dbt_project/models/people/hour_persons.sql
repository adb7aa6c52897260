-- Persons as they were known at the hour. Of whoever did nothing later that is what the whole log says.

with

this_hour as (

    select {{ as_of() }} as as_of

),

otherwise_then as (

    {{ otherwise_at(ref('person_sessions'), 'this_hour', 'started_at', 'ended_at') }}

),

otherwise_known as (

    select person_id
    from {{ ref('person_sessions') }}
    where ended_at > {{ as_of() }}

    union

    select person_id
    from {{ ref('person_sessions') }}
    where {{ keys_in('otherwise_then', ['visitor_id', 'session_number']) }}

),

visits as (

    select *
    from {{ ref('person_visits') }}
    where {{ keys_in('otherwise_known', ['person_id']) }}

),

views as (

    select *
    from {{ ref('person_views') }}
    where {{ keys_in('otherwise_known', ['person_id']) }}

),

{{ person_totals_of('visits', 'views') }},

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
