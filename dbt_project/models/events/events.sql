-- The log: each event once, with who it belonged to as far as was known then.

with

candidates as (

    select * from {{ ref('candidate_events') }}
    where drop_reason is null

),

-- Of several rows of one event the earliest counts, then the smallest content: never the one that arrived first.
numbered as (

    select
        *,
        row_number() over (
            partition by source, event_id
            order by event_at, row_content, load_id, line
        ) as copy_number
    from candidates

),

deduplicated as (

    select * exclude (copy_number)
    from numbered
    where copy_number = 1

),

owned as (

    select
        source,
        event_id,
        visitor_id,
        user_id,
        last_value(user_id ignore nulls) over (
            partition by visitor_id
            order by {{ event_order() }}
            rows between unbounded preceding and current row
        ) as owner_id,
        event_at,
        event_rank,
        event_type,
        event_type not in (
            {% for type in var('passive_event_types') -%}
                '{{ type }}'{% if not loop.last %},{% endif %}
            {% endfor -%}
        ) as is_activity,
        item_id,
        item_category,
        item_brand,
        quantity,
        price,
        currency,
        order_id,
        order_value,
        page_url,
        referrer,
        utm_source,
        utm_medium,
        utm_campaign,
        device_type,
        country,
        load_id,
        line
    from deduplicated

)

select * from owned
