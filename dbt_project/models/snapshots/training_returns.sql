-- How long each session's visitor stayed away: to the next session of the visitor or of the same person, or to the end
-- of the log where there is none yet. Of many sessions those of persons who are drawn.

with

log as (

    select * from {{ ref('events') }}
    where event_at <= {{ as_of() }}

),

-- Sessions as they stood at the hour: one that goes on after it ends with its last event before.
bounds as (

    select
        {{ session_bounds() }}
    from log
    where is_activity
    group by visitor_id, session_number

),

sessions as (

    select
        {{ session_id('bounds') }} as session_id,
        bounds.visitor_id,
        bounds.started_at,
        bounds.ended_at,
        bounds.last_event_number,
        bounds.owner_id,
        {{ is_bot_session('bounds') }} as is_suspected_bot
    from bounds

),

log_end as (

    select max(event_at) as newest_event_at
    from log

),

-- A visitor who was suspected not to be a person once teaches nothing about persons.
suspected_visitors as (

    select distinct visitor_id
    from sessions
    where is_suspected_bot

),

known_sessions as (

    select * from sessions
    where
        ended_at >= {{ learned_from('(select newest_event_at from log_end)') }}
        and not {{ keys_in('suspected_visitors', ['visitor_id']) }}

),

{{ rows_of_drawn_persons(
    'drawn_sessions', 'known_sessions', at='ended_at', keys=['session_id'], limit=var('training_sessions')
) }},

session_events as (

    select * from log
    where {{ keys_in('drawn_sessions', ['visitor_id']) }}

),

{{ visitor_states('session_events') }},

starts as (

    select
        visitor_id,
        owner_id,
        started_at
    from sessions

),

visitor_returns as (

    select
        sessions.session_id,
        starts.started_at as returned_at
    from drawn_sessions as sessions
    {{ asof_join(
        'inner', 'starts', 'starts',
        keys={'visitor_id': 'sessions.visitor_id'}, at='sessions.ended_at', comparison='<', event_at='started_at'
    ) }}

),

owner_returns as (

    select
        sessions.session_id,
        starts.started_at as returned_at
    from drawn_sessions as sessions
    {{ asof_join(
        'inner', 'starts', 'starts',
        keys={'owner_id': 'sessions.owner_id'}, at='sessions.ended_at', comparison='<', event_at='started_at'
    ) }}

),

durations as (

    select
        sessions.*,
        least(visitor_returns.returned_at, owner_returns.returned_at) as returned_at,
        log_end.newest_event_at
    from drawn_sessions as sessions
    cross join log_end
    left join visitor_returns on sessions.session_id = visitor_returns.session_id
    left join owner_returns on sessions.session_id = owner_returns.session_id

),

carts as (

    select * from {{ ref('carts') }}

),

sessions_with_cart as (

    select distinct sessions.session_id
    from drawn_sessions as sessions
    inner join carts
        on
            sessions.visitor_id = carts.visitor_id
            and {{ is_cart_open('carts', 'sessions.ended_at') }}

),

asked_days as (

    select
        states.last_country as country,
        durations.ended_at as instant
    from durations
    inner join states
        on
            durations.visitor_id = states.visitor_id
            and durations.last_event_number = states.event_number

),

{{ calendar_days('days', 'asked_days') }},

final as (

    select
        durations.session_id,
        durations.visitor_id,
        durations.owner_id,
        durations.ended_at,
        {{ visitor_features('durations.ended_at') }},
        {{ calendar_features() }},
        cast(sessions_with_cart.session_id is not null as double) as session_leaves_cart,
        cast({{ hours_between(
            'durations.ended_at', 'coalesce(durations.returned_at, durations.newest_event_at)'
        ) }} as double) as duration_hours,
        durations.returned_at is not null as is_returned
    from durations
    inner join states
        on
            durations.visitor_id = states.visitor_id
            and durations.last_event_number = states.event_number
    inner join days as calendar
        on
            coalesce(states.last_country, '') = calendar.place
            and durations.ended_at = calendar.instant
    left join sessions_with_cart on durations.session_id = sessions_with_cart.session_id
    where durations.returned_at is not null or durations.newest_event_at > durations.ended_at

)

select * from final
