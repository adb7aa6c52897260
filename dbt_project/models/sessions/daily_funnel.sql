-- What came of each day's sessions and carts.

with

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
        count(*) filter (where is_recovered) as recovered_cart_count
    from {{ ref('carts') }}
    group by 1

),

final as (

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
        carts.abandoned_cart_count / nullif(carts.cart_count, 0) as abandonment_rate,
        carts.recovered_cart_count / nullif(carts.abandoned_cart_count, 0) as recovery_rate
    from sessions
    -- a cart may begin past midnight in a session of the day before
    full outer join carts on sessions.day = carts.day
    cross join {{ ref('log_currency') }} as log_currency

)

select * from final
