-- Of the rows that tell an event one counts and the others are duplicates.

select
    candidates.source,
    candidates.event_id
from {{ ref('candidate_events') }} as candidates
left join {{ ref('duplicate_rows') }} as duplicates on candidates.row_key = duplicates.row_key
where
    candidates.drop_reason is null
    and duplicates.row_key is null
    and {{ tested_by(ref('touched_events'), ['candidates.source', 'candidates.event_id']) }}
group by 1, 2
having count(*) > 1
