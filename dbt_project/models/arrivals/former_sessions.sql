-- The sessions of the touched visitors as they were before new rows are taken up.

{% if follows_last_build() -%}

select
    visitor_id,
    started_at,
    ended_at,
    event_count
from {{ as_last_built('session_totals') }}
where visitor_id in (select visitor_id from {{ ref('touched_visitors') }})

{%- else -%}

select
    cast(null as varchar) as visitor_id,
    cast(null as timestamp) as started_at,
    cast(null as timestamp) as ended_at,
    cast(null as bigint) as event_count
from {{ ref('touched_visitors') }}

{%- endif %}
