-- Sessions for analysts: what happened in each, and whether a cart was left behind.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'affected_visitors': ['visitor_id']}}) }}

with

session_totals as (

    select * from {{ ref('session_totals') }}
    where {{ named_by(ref('affected_visitors'), ['visitor_id']) }}

),

first_rows as (

    select
        row_key,
        page_url,
        referrer,
        utm_source,
        utm_medium,
        utm_campaign,
        device_type,
        country
    from {{ ref('candidate_events') }}
    where row_key in (select session_totals.first_row_key from session_totals)

),

-- What the first event of a session does not tell, a later one may.
later_keys as (

    {% for part in ['page', 'campaign', 'device', 'country'] -%}
        select {{ part }}_row_key as row_key
        from session_totals
        where {{ part }}_row_key != first_row_key
        {% if not loop.last -%} union all {% endif -%}
    {% endfor %}

),

later_rows as (

    select
        row_key,
        page_url,
        utm_source,
        utm_medium,
        utm_campaign,
        device_type,
        country
    from {{ ref('candidate_events') }}
    where {{ keys_in('later_keys', ['row_key']) }}

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
        coalesce(first_rows.page_url, pages.page_url) as landing_page,
        -- How the session came in: later referrers are the shop's own pages.
        {{ url_domain('first_rows.referrer') }} as referrer_domain,
        -- The three belong together: a later row is there only where the first tells none of them.
        coalesce(first_rows.utm_source, campaigns.utm_source) as utm_source,
        coalesce(first_rows.utm_medium, campaigns.utm_medium) as utm_medium,
        coalesce(first_rows.utm_campaign, campaigns.utm_campaign) as utm_campaign,
        coalesce(first_rows.device_type, devices.device_type) as device_type,
        coalesce(first_rows.country, countries.country) as country,
        cart_presence.session_id is not null as has_cart,
        coalesce(cart_presence.is_cart_abandoned, false) as is_cart_abandoned,
        session_totals.is_suspected_bot
    from session_totals
    inner join first_rows on session_totals.first_row_key = first_rows.row_key
    left join later_rows as pages on session_totals.page_row_key = pages.row_key
    left join later_rows as campaigns on session_totals.campaign_row_key = campaigns.row_key
    left join later_rows as devices on session_totals.device_row_key = devices.row_key
    left join later_rows as countries on session_totals.country_row_key = countries.row_key
    left join cart_presence on session_totals.session_id = cart_presence.session_id

)

select * from final
