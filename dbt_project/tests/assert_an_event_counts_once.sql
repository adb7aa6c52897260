-- Of the rows of an event one counts and the others are duplicates.

with

counting_rows as (

    select
        candidates.source,
        candidates.event_id,
        {{ hash_number(['candidates.source', 'candidates.event_id']) }} as event_hash
    from {{ ref('candidate_events') }} as candidates
    left join {{ ref('duplicate_rows') }} as duplicates on candidates.row_key = duplicates.row_key
    where
        candidates.drop_reason is null
        and duplicates.row_key is null
        and {{ is_tested(ref('events_this_run'), ['candidates.source', 'candidates.event_id']) }}

),

-- Counting numbers is faster than counting texts.
shared_hashes as (

    select event_hash
    from counting_rows
    group by 1
    having count(*) > 1

)

select
    source,
    event_id
from counting_rows
where event_hash in (select shared_hashes.event_hash from shared_hashes)
group by 1, 2
having count(*) > 1
