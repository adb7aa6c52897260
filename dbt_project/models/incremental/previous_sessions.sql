-- The sessions of this run's visitors as they were before the new rows.

{{ config(materialized='table') }}

with

session_totals as (

    select * from {{ previous_version('session_totals', {
        'session_id': 'string', 'visitor_id': 'string', 'started_at': 'timestamp', 'ended_at': 'timestamp', 'event_count': 'bigint',
    }) }}

),

final as (

    select
        session_totals.session_id,
        visitors_this_run.visitor_id,
        session_totals.started_at,
        session_totals.ended_at,
        session_totals.event_count
    from {{ ref('visitors_this_run') }} as visitors_this_run
    left join session_totals on visitors_this_run.visitor_id = session_totals.visitor_id

    {%- if is_incremental_build() %}
    -- those of a build that died stay: it may have rebuilt the sessions since
    where visitors_this_run.visitor_id not in (select visitor_id from {{ this }})
    union all
    select * from {{ this }}
    {%- endif %}

)

select * from final
