-- What address rules leave without a type.

{{ config(materialized='standing_view') }}

select
    untyped_path,
    count(*) as page_view_count,
    max(event_at) as newest_at
from {{ ref('candidate_events') }}
where
    drop_reason is null
    and untyped_path is not null
group by untyped_path
