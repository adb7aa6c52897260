-- The sessions of the touched visitors as they were before new rows are taken up. What a build kept that then died
-- stays: the tables may show its work by now.

with

session_totals as (

    select
        session_id,
        visitor_id,
        started_at,
        ended_at,
        event_count
    from {{ as_last_built('session_totals', {
        'session_id': 'varchar', 'visitor_id': 'varchar', 'started_at': 'timestamp', 'ended_at': 'timestamp', 'event_count': 'bigint',
    }) }}
    where {{ keys_in(ref('touched_visitors'), ['visitor_id']) }}

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
    where touched_visitors.visitor_id not in (select kept.visitor_id from {{ this }} as kept)
    union all
    select * from {{ this }}
    {%- endif %}

)

select * from final
