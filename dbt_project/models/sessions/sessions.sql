-- Sessions for analysts: what happened in each, and whether a cart was left behind.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'affected_visitors': ['visitor_id']}}) }}

with

session_totals as (

    select * from {{ ref('session_totals') }}
    where {{ named_by(ref('affected_visitors'), ['visitor_id']) }}

),

carts as (

    select * from {{ ref('carts') }}
    where {{ named_by(ref('affected_visitors'), ['visitor_id']) }}

),

cart_presence as (

    select
        session_totals.session_id,
        bool_or(
            carts.closed_at is null
            or carts.closed_at > session_totals.ended_at
            -- at the very end of its 30 days a cart still lives
            or (carts.status = 'expired' and carts.closed_at = session_totals.ended_at)
        ) as is_cart_abandoned
    from session_totals
    inner join carts
        on
            session_totals.visitor_id = carts.visitor_id
            and session_totals.ended_at >= carts.started_at
            and (carts.closed_at is null or session_totals.started_at <= carts.closed_at)
    group by 1

),

final as (

    select
        session_totals.session_id,
        session_totals.visitor_id,
        session_totals.owner_id,
        session_totals.started_at,
        session_totals.ended_at,
        session_totals.event_count,
        session_totals.view_count,
        session_totals.add_count,
        session_totals.remove_count,
        session_totals.checkout_count,
        session_totals.order_count,
        cast(session_totals.order_value as decimal(38, 4)) as order_value,
        session_totals.landing_page,
        session_totals.referrer_domain,
        session_totals.utm_source,
        session_totals.utm_medium,
        session_totals.utm_campaign,
        session_totals.device_type,
        session_totals.country,
        cart_presence.session_id is not null as has_cart,
        coalesce(cart_presence.is_cart_abandoned, false) as is_cart_abandoned,
        session_totals.is_suspected_bot
    from session_totals
    left join cart_presence on session_totals.session_id = cart_presence.session_id

)

select * from final
