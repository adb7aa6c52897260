-- Carts by person as they were known at the hour: until a cart closes it is of whoever the visitor is known to be.

with

log_end as (

    select max(event_at) as newest_event_at
    from {{ ref('ordered_events') }}
    where event_at <= {{ as_of() }}

),

-- Of a visitor without later events the table of carts has the owner.
later_visitors as (

    select distinct visitor_id
    from {{ ref('ordered_events') }}
    where event_at > {{ as_of() }}

),

-- Whose cart was open touched it in the days after which it expires.
{{ owners_by_the_hour('owners', 'later_visitors', since=expired_before(as_of())) }},

final as (

    select
        carts.cart_id,
        case
            when owners.visitor_id is null or carts.closed_at <= {{ as_of() }}
                then {{ person_id('carts.owner_id', 'carts.visitor_id') }}
            else {{ person_id('owners.owner_id', 'carts.visitor_id') }}
        end as person_id,
        carts.started_at,
        coalesce(carts.abandoned_at <= log_end.newest_event_at, false) as is_abandoned
    from {{ ref('carts') }} as carts
    cross join log_end
    left join owners on carts.visitor_id = owners.visitor_id
    where carts.started_at <= {{ as_of() }}

)

select * from final
