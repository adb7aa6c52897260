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

select *
from {{ ref('person_sessions') }}
where
    ended_at <= {{ as_of() }}
    and not {{ keys_in('unended', ['visitor_id', 'session_number']) }}

union all

select * from visits
