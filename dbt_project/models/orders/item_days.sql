-- What each day's events say of each item: the part of `items` that grows with the log, kept by the day.
--
-- The dump's own view of a page may come the day after the page view. What the address alone said of an item by the end
-- of the day stands in rows of its own (`is_retracted`): what is said of the day after depends on it, `items` does not.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'days_this_run': ['day']}}) }}

-- depends_on: {{ ref('days_this_run') }}

{% set price_then = as_struct({'known_at': 'newest_at', 'known': 'price', 'currency': "coalesce(currency, '')"}) -%}
{% set until_next_day = 'cast(doubled_views.view_until_at as date) > cast(candidates.event_at as date)' -%}

with

counting_events as (

    select
        candidates.row_key,
        candidates.event_at,
        {{ counted_type('candidates', 'doubled_views') }} as event_type,
        case
            when {{ until_next_day }} then coalesce(candidates.item_id, candidates.viewed_item_id)
            else {{ counted_item('candidates', 'doubled_views') | indent(12) }}
        end as item_id,
        coalesce({{ until_next_day }}, false) and candidates.item_id is null as is_retracted,
        candidates.item_category,
        candidates.item_brand,
        candidates.quantity,
        candidates.price,
        candidates.currency
    from {{ ref('candidate_events') }} as candidates
    left join {{ ref('doubled_views') }} as doubled_views on candidates.row_key = doubled_views.row_key
    where
        candidates.drop_reason is null
        {% if is_incremental_build() -%}
        -- the span first: by it whole row groups are skipped
        and candidates.event_at >= (select min(days_this_run.day) from {{ ref('days_this_run') }} as days_this_run)
        and candidates.event_at < (
            select max(days_this_run.day) + interval '1' day
            from {{ ref('days_this_run') }} as days_this_run
        )
        and cast(candidates.event_at as date) in (
            select days_this_run.day from {{ ref('days_this_run') }} as days_this_run
        )
        {% endif -%}
        and candidates.row_key not in (
            select duplicate_rows.row_key from {{ ref('duplicate_rows') }} as duplicate_rows
        )

),

event_items as (

    {{ items_of(
        'counting_events', ['event_at', 'event_type', 'is_retracted'],
        described=['item_category', 'item_brand', 'item_name', 'item_url', 'image_url']
    ) }}

),

-- Few descriptions are new: what is alike is put together before the newest is looked for.
descriptions as (

    select
        cast(event_at as date) as day,
        item_id,
        is_retracted and not is_listed as is_retracted,
        item_name,
        item_category,
        item_brand,
        item_url,
        image_url,
        price,
        currency,
        max(event_at) as newest_at,
        count(*) filter (where event_type = 'view_item') as view_count,
        count(*) filter (where event_type = 'add_to_cart' and {{ adds_units('quantity') }}) as add_count
    from event_items
    where item_id is not null
    group by all

),

final as (

    select
        day,
        item_id,
        is_retracted,
        {% for column in ['item_name', 'item_category', 'item_brand', 'item_url', 'image_url'] -%}
            max({{ as_struct({'known_at': 'newest_at', 'known': column}) }}) filter (where {{ column }} is not null)
                as newest_{{ column }},
        {% endfor -%}
        max({{ price_then }}) filter (where price is not null) as newest_price,
        cast(sum(view_count) as bigint) as view_count,
        cast(sum(add_count) as bigint) as add_count
    from descriptions
    group by 1, 2, 3

)

select * from final
