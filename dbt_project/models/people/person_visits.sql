-- Sessions by person as they stood at the hour: one that goes on after it ends with its last event before.

with

unended as (

    select distinct
        visitor_id,
        session_number
    from {{ ref('person_sessions') }}
    where
        started_at <= {{ as_of() }}
        and ended_at > {{ as_of() }}

),

unended_log as (

    {{ log_at_hour_of('unended') }}

),

{{ visits_of('unended_log') }}

select
    visitor_id,
    session_number,
    owner_id,
    person_id,
    started_at,
    ended_at,
    event_count,
    page_view_count,
    view_count,
    add_count,
    device_type,
    country
from {{ ref('person_sessions') }}
where
    ended_at <= {{ as_of() }}
    and not {{ keys_in('unended', ['visitor_id', 'session_number']) }}

union all

select
    visitor_id,
    session_number,
    owner_id,
    person_id,
    started_at,
    ended_at,
    event_count,
    page_view_count,
    view_count,
    add_count,
    device_type,
    country
from visits
