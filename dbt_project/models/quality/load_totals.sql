-- Delivered rows of events counted by load: a load never changes, and landed_files asks for all of them every hour.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'loads_this_run': ['load_id']}}) }}

select
    load_id,
    count(*) filter (where drop_reason is null) as event_row_count,
    count(*) filter (where drop_reason is null and event_type in ({{ known_event_types() }})) as known_type_count,
    count(*) filter (where drop_reason is null and price is not null) as price_count,
    count(*) filter (where drop_reason is null and order_value is not null) as order_value_count,
    bool_or(is_at_clock_change) as has_clock_change
from {{ ref('candidate_events') }}
where {{ is_in_this_run(ref('loads_this_run'), ['load_id']) }}
group by load_id
