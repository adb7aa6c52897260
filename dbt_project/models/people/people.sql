-- People as they were known at the hour.

{{ config(materialized='rebuilt') }}

with

visits as (

    select
        *,
        {{ engagement_points('started_at', 'ended_at', 'page_view_count + view_count', 'add_count') }} as points
    from {{ ref('person_visits') }}

),

persons as (

    select
        person_id,
        bool_or(owner_id is not null) as is_known,
        min(started_at) as first_seen_at,
        max(ended_at) as last_seen_at,
        count(*) as session_count,
        cast(sum(points) as bigint) as points,
        max_by(device_type, {{ as_struct({'ended_at': 'ended_at', 'visitor_id': 'visitor_id'}) }})
        filter (where device_type is not null) as device_type,
        max_by(country, {{ as_struct({'ended_at': 'ended_at', 'visitor_id': 'visitor_id'}) }})
        filter (where country is not null) as country
    from visits
    group by person_id

),

-- Nobody is the shop's measure who was not there in the days that count.
shop as (

    select percentile_cont(0.99) within group (order by points) as points
    from persons
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

categories as (

    select
        person_id,
        item_category,
        row_number() over (
            partition by person_id
            order by sum(view_count) desc, max(last_viewed_at) desc, item_category asc
        ) as place
    from {{ ref('person_views') }}
    group by person_id, item_category

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
        categories.item_category as favourite_category,
        persons.device_type,
        persons.country,
        case
            when persons.points > 0 then least(100 * cast(persons.points as double) / shop.points, cast(100 as double))
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
    from persons
    cross join shop
    left join orders on persons.person_id = orders.person_id
    left join carts on persons.person_id = carts.person_id
    left join categories
        on
            persons.person_id = categories.person_id
            and categories.place = 1
    left join {{ source('scores', 'person_scores') }} as scores
        on
            persons.person_id = scores.person_id
            and scores.scored_at = {{ as_of() }}
    where persons.last_seen_at > {{ as_of() }} - interval '13' month

)

select * from final
