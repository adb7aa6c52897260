-- Views of categories by person and session as they stood at the hour.

with

unended as (

    select distinct
        visitor_id,
        session_number
    from {{ ref('person_category_views') }}
    where
        first_viewed_at <= {{ as_of() }}
        and last_viewed_at > {{ as_of() }}

),

unended_log as (

    {{ log_at_hour_of('unended') }}

),

{{ category_views_of('unended_log') }}

select
    visitor_id,
    session_number,
    owner_id,
    person_id,
    item_category,
    view_count,
    first_viewed_at,
    last_viewed_at
from {{ ref('person_category_views') }}
where
    last_viewed_at <= {{ as_of() }}
    and not {{ keys_in('unended', ['visitor_id', 'session_number']) }}

union all

select
    visitor_id,
    session_number,
    owner_id,
    person_id,
    item_category,
    view_count,
    first_viewed_at,
    last_viewed_at
from category_views
