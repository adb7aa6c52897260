-- People as they were known at the hour.

{{ config(materialized='rebuilt', meta={'uncompressed': ['person_id']}) }}

with

-- Of all visits only those that count are read.
{{ at_hour_of(
    'person_sessions', visits_of, 'visits', ends_at='ended_at',
    columns=['person_id', 'started_at', 'ended_at', 'page_view_count', 'view_count', 'add_count'],
    only=is_engagement('ended_at', as_of())
) }},

engagement as (

    select
        person_id,
        cast(sum(
            {{ engagement_points('started_at', 'ended_at', 'page_view_count + view_count', 'add_count') | indent(12) }}
        ) as bigint) as points
    from at_hour
    where {{ is_engagement('ended_at', as_of()) }}
    group by person_id

),

-- Nobody is the shop's measure who was not there in the days that count.
shop as (

    select percentile_cont(0.99) within group (order by points) as points
    from engagement
    where points > 0

),

orders as (

    select
        person_id,
        count(*) as order_count,
        sum(order_value_base) as order_value_base,
        max(ordered_at) as last_order_at
    from {{ ref('person_orders') }}
    group by person_id

),

carts as (

    {{ cart_counts() }}

),

final as (

    select
        persons.person_id,
        persons.is_known,
        persons.first_seen_at,
        persons.last_seen_at,
        persons.session_count,
        coalesce(orders.order_count, 0) as order_count,
        cast(coalesce(orders.order_value_base, 0) as decimal(38, 4)) as order_value_base,
        orders.last_order_at,
        coalesce(carts.abandoned_cart_count, 0) as abandoned_cart_count,
        cast(carts.abandoned_cart_count as double) / carts.cart_count as abandonment_rate,
        persons.favourite_category,
        persons.device_type,
        persons.country,
        case
            when engagement.points > 0
                then least(100 * cast(engagement.points as double) / shop.points, cast(100 as double))
            else cast(0 as double)
        end as engagement_score,
        scores.p_purchase_7d,
        scores.intent_level,
        scores.expected_value_365d,
        scores.value_tier,
        scores.next_purchase_at,
        scores.p_purchase_30d,
        scores.best_send_hour,
        scores.best_send_weekday,
        scores.p_response_email,
        scores.p_response_sms,
        scores.p_response_ads,
        scores.p_response_onsite,
        scores.preferred_channel,
        scores.cluster_id,
        scores.cluster_name
    from {{ ref('hour_persons') }} as persons
    cross join shop
    left join engagement on persons.person_id = engagement.person_id
    left join orders on persons.person_id = orders.person_id
    left join carts on persons.person_id = carts.person_id
    left join {{ source('scores', 'person_scores') }} as scores
        on
            persons.person_id = scores.person_id
            and scores.scored_at = {{ as_of() }}
    where persons.last_seen_at > {{ as_of() }} - interval '13' month

)

select * from final
