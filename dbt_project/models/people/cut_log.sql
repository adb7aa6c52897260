-- The activities of the sessions that were otherwise at the hour, as they were then.

with

-- Of a long log the times alone are read of what was before.
first_cut as (

    select min(started_at) as started_at
    from {{ ref('cut_sessions') }}

),

log_then as (

    select
        log.row_key,
        log.visitor_id,
        log.owner_id,
        log.event_at,
        {{ type_at(as_of(), 'log.event_type', 'doubled_views') }} as event_type,
        log.counted_as,
        log.is_activity,
        log.context_flags,
        log.event_number,
        log.session_number
    from {{ ref('ordered_events') }} as log
    left join {{ ref('doubled_views') }} as doubled_views
        on
            log.row_key = doubled_views.row_key
            and doubled_views.view_until_at > {{ as_of() }}
    where
        log.is_activity
        and log.event_at <= {{ as_of() }}
        and log.event_at >= (select first_cut.started_at from first_cut)
        and {{ keys_in(ref('cut_sessions'), ['log.visitor_id', 'log.session_number']) }}

)

select * from log_then
