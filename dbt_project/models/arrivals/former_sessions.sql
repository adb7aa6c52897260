-- The sessions of the touched visitors as they were before new rows are taken up.

{{ config(materialized='table') }}

with

session_totals as (

    select * from {{ as_last_built('session_totals', {
        'session_id': 'varchar', 'visitor_id': 'varchar', 'started_at': 'timestamp', 'ended_at': 'timestamp', 'event_count': 'bigint',
    }) }}

),

final as (

    select
        session_totals.session_id,
        touched_visitors.visitor_id,
        session_totals.started_at,
        session_totals.ended_at,
        session_totals.event_count
    from {{ ref('touched_visitors') }} as touched_visitors
    left join session_totals on touched_visitors.visitor_id = session_totals.visitor_id

    {%- if follows_last_build() %}
    -- what a build noted that then died: it may have rebuilt the sessions since
    where touched_visitors.visitor_id not in (select visitor_id from {{ this }})
    union all
    select * from {{ this }}
    {%- endif %}

)

select * from final
