-- The visitors of the carts to score, as they were when last active, and how long they have been away.

with

scoring_snapshots as (

    select * from {{ ref('scoring_snapshots') }}

),

states as (

    select * from {{ ref('scored_visitors') }}

),

asked_days as (

    select
        states.last_country as country,
        scoring_snapshots.session_ended_at as instant
    from scoring_snapshots
    inner join states on scoring_snapshots.visitor_id = states.visitor_id

),

{{ calendar_days('days', 'asked_days') }},

final as (

    select
        scoring_snapshots.cart_id,
        scoring_snapshots.visitor_id,
        scoring_snapshots.owner_id,
        scoring_snapshots.session_ended_at as ended_at,
        cast({{ hours_between('scoring_snapshots.session_ended_at', 'scoring_snapshots.as_of') }} as double)
            as elapsed_hours,
        {{ visitor_features('scoring_snapshots.session_ended_at') }},
        {{ calendar_features() }},
        cast(1 as double) as session_leaves_cart
    from scoring_snapshots
    inner join states on scoring_snapshots.visitor_id = states.visitor_id
    inner join days as calendar
        on
            coalesce(states.last_country, '') = calendar.place
            and scoring_snapshots.session_ended_at = calendar.instant

)

select * from final
