-- Sessions by person, of the whole log, that were otherwise at the hour: it cuts them, or a view of theirs.

with

this_hour as (

    select {{ as_of() }} as as_of

),

otherwise_then as (

    {{ otherwise_at(ref('person_sessions'), 'this_hour', 'started_at', 'ended_at') }}

)

select
    visitor_id,
    session_number,
    person_id,
    started_at
from {{ ref('person_sessions') }}
where {{ keys_in('otherwise_then', ['visitor_id', 'session_number']) }}
