-- The ids whose events, visitors or times rows of new loads can have changed; none in a full build, which looks at all.

with

loaded as (

    select
        source,
        event_id,
        user_id,
        order_id
    from {{ ref('candidate_events') }}
    where
        {{ is_in_incremental_run(ref('loads_this_run'), ['load_id']) }}
        and drop_reason is null

)

select
    'user_id' as kind,
    user_id as id
from loaded
where user_id is not null

union

select
    'order_id' as kind,
    order_id as id
from loaded
where order_id is not null

union

select
    'event_id' as kind,
    event_id as id
from loaded

union

select
    'double_fire' as kind,
    visitor_id as id
from {{ ref('visitors_this_run') }}
