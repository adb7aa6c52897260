-- Sessions that were otherwise at the hour than the whole log says: the hour cuts them, or a view of theirs.

with

this_hour as (

    select {{ as_of() }} as as_of

),

final as (

    {{ otherwise_at(ref('person_sessions'), 'this_hour', 'started_at', 'ended_at') }}

)

select
    visitor_id,
    session_number
from final
