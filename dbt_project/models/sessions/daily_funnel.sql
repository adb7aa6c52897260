-- What came of each day's sessions and carts.

{% set recovery_hours = [24, 72, 168] -%}

with

log_end as (

    select max(event_at) as newest_event_at
    from {{ ref('ordered_events') }}

),

sessions as (

    select
        cast(started_at as date) as day,
        count(*) as session_count,
        count(*) filter (where has_cart) as cart_session_count,
        count(*) filter (where is_cart_abandoned) as abandoned_cart_session_count,
        sum(order_count) as order_count,
        sum(order_value) as order_value
    from {{ ref('sessions') }}
    group by 1

),

carts as (

    select
        cast(started_at as date) as day,
        count(*) as cart_count,
        count(*) filter (where status = 'converted') as converted_cart_count,
        count(*) filter (where abandoned_at is not null) as abandoned_cart_count,
        count(*) filter (where is_recovered) as recovered_cart_count,
        {% for hours in recovery_hours -%}
            count(*) filter (where is_recovered and closed_at <= {{ recovery_ends_at('abandoned_at', hours) }})
                as recovered_{{ hours }}h_cart_count,
        {% endfor -%}
        max(abandoned_at) as last_abandoned_at,
        -- open, and the session it began in may go on
        count(*) filter (where closed_at is null and abandoned_at is null) as undecided_cart_count
    from {{ ref('carts') }}
    group by 1

),

days as (

    select
        coalesce(sessions.day, carts.day) as day,
        coalesce(sessions.session_count, 0) as session_count,
        coalesce(sessions.cart_session_count, 0) as cart_session_count,
        cast(coalesce(sessions.order_count, 0) as bigint) as order_count,
        cast(coalesce(sessions.order_value, 0) as decimal(38, 4)) as order_value,
        log_currency.currency as reporting_currency,
        coalesce(carts.cart_count, 0) as cart_count,
        coalesce(carts.converted_cart_count, 0) as converted_cart_count,
        coalesce(carts.abandoned_cart_count, 0) as abandoned_cart_count,
        coalesce(carts.recovered_cart_count, 0) as recovered_cart_count,
        {% for hours in recovery_hours -%}
            coalesce(carts.recovered_{{ hours }}h_cart_count, 0) as recovered_{{ hours }}h_cart_count,
        {% endfor -%}
        carts.abandoned_cart_count / nullif(carts.cart_count, 0) as abandonment_rate,
        -- when the last cart of the day was abandoned, or could have been; null while that is open
        case
            when coalesce(carts.undecided_cart_count, 0) = 0
                then greatest(
                    {{ session_over_at("cast(coalesce(sessions.day, carts.day) as timestamp) + interval '1' day") }},
                    carts.last_abandoned_at
                )
        end as all_abandoned_at
    from sessions
    -- a cart may begin past midnight in a session of the day before
    full outer join carts on sessions.day = carts.day
    cross join {{ ref('log_currency') }} as log_currency

),

matured as (

    select
        days.*,
        {% for hours in recovery_hours -%}
            coalesce(log_end.newest_event_at > {{ recovery_ends_at('days.all_abandoned_at', hours) }}, false)
                as is_known_at_{{ hours }}h{% if not loop.last %},{% endif %}
        {% endfor %}
    from days
    cross join log_end

),

final as (

    select
        day,
        session_count,
        cart_session_count,
        order_count,
        order_value,
        reporting_currency,
        cart_count,
        converted_cart_count,
        abandoned_cart_count,
        recovered_cart_count,
        {% for hours in recovery_hours -%}
            case when is_known_at_{{ hours }}h then recovered_{{ hours }}h_cart_count end
                as recovered_{{ hours }}h_cart_count,
        {% endfor -%}
        abandonment_rate,
        case when is_known_at_168h then recovered_168h_cart_count / nullif(abandoned_cart_count, 0) end
            as recovery_rate,
        is_known_at_168h as is_mature
    from matured

)

select * from final
