-- Sessions for analysts: what happened in each, and whether a cart was left behind.

{{ config(
    materialized='rebuilt', meta={'rebuilt_for': {'affected_visitors': ['visitor_id']}, 'uncompressed': ['session_id']}
) }}

with

session_totals as (

    select * from {{ ref('session_totals') }}
    where {{ is_in_this_run(ref('affected_visitors'), ['visitor_id']) }}

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

-- What the first event of a session does not have, a later one may.
later_keys as (

    {% for part in ['page', 'campaign', 'device', 'country'] -%}
        select
            session_id,
            '{{ part }}' as part,
            {{ part }}_row_key as row_key
        from session_totals
        where {{ part }}_row_key != first_row_key
        {% if not loop.last -%} union all {% endif -%}
    {% endfor %}

),

later_rows as (

    select
        later_keys.session_id,
        max(candidates.page_url) filter (where later_keys.part = 'page') as page_url,
        max(candidates.utm_source) filter (where later_keys.part = 'campaign') as utm_source,
        max(candidates.utm_medium) filter (where later_keys.part = 'campaign') as utm_medium,
        max(candidates.utm_campaign) filter (where later_keys.part = 'campaign') as utm_campaign,
        max(candidates.device_type) filter (where later_keys.part = 'device') as device_type,
        max(candidates.country) filter (where later_keys.part = 'country') as country
    from later_keys
    inner join {{ ref('candidate_events') }} as candidates on later_keys.row_key = candidates.row_key
    group by 1

),

carts as (

    select * from {{ ref('carts') }}
    where {{ is_in_this_run(ref('affected_visitors'), ['visitor_id']) }}

),

cart_presence as (

    select
        session_totals.session_id,
        bool_or({{ is_cart_open('carts', 'session_totals.ended_at') }}) as is_cart_abandoned
    from session_totals
    inner join carts
        on
            session_totals.visitor_id = carts.visitor_id
            and session_totals.ended_at >= carts.started_at
            and (carts.closed_at is null or session_totals.started_at <= carts.closed_at)
    group by 1

),

-- Sums are in the reporting currency; an order without its rate is counted in amounts_without_rate.
order_values as (

    select
        visitor_id,
        session_number,
        sum(order_value_base) as order_value
    from {{ ref('order_values') }}
    where {{ is_in_this_run(ref('affected_visitors'), ['visitor_id']) }}
    group by 1, 2

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
        cast(coalesce(order_values.order_value, 0) as decimal(38, 4)) as order_value,
        {{ without_contact_details('coalesce(first_rows.page_url, later_rows.page_url)') }} as landing_page,
        -- How the session came in: later referrers are the shop's own pages.
        {{ url_domain('first_rows.referrer') }} as referrer_domain,
        -- The three belong together: there is a later row only where the first has none of them.
        {{ without_contact_details('coalesce(first_rows.utm_source, later_rows.utm_source)') }} as utm_source,
        {{ without_contact_details('coalesce(first_rows.utm_medium, later_rows.utm_medium)') }} as utm_medium,
        {{ without_contact_details('coalesce(first_rows.utm_campaign, later_rows.utm_campaign)') }} as utm_campaign,
        coalesce(first_rows.device_type, later_rows.device_type) as device_type,
        coalesce(first_rows.country, later_rows.country) as country,
        cart_presence.session_id is not null as has_cart,
        coalesce(cart_presence.is_cart_abandoned, false) as is_cart_abandoned,
        session_totals.is_suspected_bot
    from session_totals
    inner join first_rows on session_totals.first_row_key = first_rows.row_key
    left join later_rows on session_totals.session_id = later_rows.session_id
    left join cart_presence on session_totals.session_id = cart_presence.session_id
    left join order_values
        on
            session_totals.visitor_id = order_values.visitor_id
            and session_totals.session_number = order_values.session_number

)

select * from final
