{#-
    What belongs here: what is known at instants of the items in carts: how they sell and what they cost. What does not:
    what lies in a cart and what it is worth (cart_snapshots.sql, whose CTEs `spine`, `lines` and `exchanged_lines` these
    macros read), and how their shopper looked at them (item_views.sql).
-#}

{#- Adds CTEs, the last of which is `line_features`: how often the items in each cart were added, and bought. -#}
{%- macro item_rates(instant=none) -%}
{% if instant -%}
-- At one instant a plain sum gives the totals so far.
item_history as (

    select
        item_id,
        {{ instant }} as event_at,
        sum(new_add) as add_count,
        sum(new_purchase) as purchase_count
    from {{ ref('item_facts') }}
    where event_at <= {{ instant }}
    group by 1

),
{%- else -%}
item_history as (

    select * from {{ ref('item_history') }}

),
{%- endif %}

shop_rates as (

    select
        spine.cart_id,
        spine.as_of,
        coalesce(item_history.purchase_count / nullif(item_history.add_count, 0), 0) as purchase_rate
    from spine
    {{ asof_join(
        'left', "(select * from item_history where item_id = '(all)')", 'item_history',
        keys={}, at='spine.as_of', comparison='>=', event_at='event_at'
    ) }}

),

-- Few adds say little: an item's rate is drawn towards the shop's.
line_rates as (

    select
        lines.cart_id,
        lines.as_of,
        lines.amount_base as line_price,
        coalesce(item_history.add_count, 0) as add_count,
        (coalesce(item_history.purchase_count, 0) + {{ var('item_prior_adds') }} * shop_rates.purchase_rate)
        / (coalesce(item_history.add_count, 0) + {{ var('item_prior_adds') }}) as conversion_rate
    from exchanged_lines as lines
    inner join shop_rates
        on lines.cart_id = shop_rates.cart_id
        and lines.as_of = shop_rates.as_of
    {{ asof_join(
        'left', 'item_history', 'item_history',
        keys={'item_id': 'lines.line_item_id'}, at='lines.as_of', comparison='>=', event_at='event_at'
    ) }}

),

line_features as (

    select
        cart_id,
        as_of,
        max(line_price) as highest_price,
        min(line_price) as cheapest_price,
        -- the sum is exact, so that the mean does not depend on the order of adding
        cast(sum(cast(conversion_rate as decimal(18, 12))) as double) / count(conversion_rate) as mean_conversion_rate,
        min(conversion_rate) as lowest_conversion_rate,
        max(add_count) as most_added_count
    from line_rates
    group by 1, 2

)
{%- endmacro -%}

{#-
    Adds CTEs, the last of which is `price_features`: what the items in each cart cost beside others of their category and
    beside what they cost since. What an item costs is known by the end of a day: each snapshot knows the 30 days before
    its own.
-#}
{%- macro item_prices() -%}
line_days as (

    select
        cart_id,
        as_of,
        touched_at,
        line_item_id as item_id,
        amount_base as line_price,
        cast(as_of as date) as day
    from exchanged_lines

),

snapshot_days as (

    select distinct day
    from line_days

),

-- As the end of the day knew it: with what was retracted the day after.
days_as_known as (

    select
        item_id,
        day,
        max(newest_item_category) as newest_item_category,
        max(newest_price) as newest_price
    from {{ ref('item_days') }}
    where
        day >= (select min(day) - interval '30' day from snapshot_days)
        and day < (select max(day) from snapshot_days)
    group by item_id, day

),

item_prices_by_day as (

    select
        item_id,
        day + interval '1' day as known_from,
        {{ struct_field('newest_item_category', 'known') }} as item_category,
        {{ struct_field('newest_price', 'known_at') }} as instant,
        {{ struct_field('newest_price', 'known') }} as amount,
        nullif({{ struct_field('newest_price', 'currency') }}, '') as currency
    from days_as_known
    where newest_price is not null

),

{{ base_amounts('exchanged_prices', 'item_prices_by_day', ref('hour_currency')) }},

category_days as (

    select
        item_category as category,
        known_from,
        sum(amount_base) as amount,
        count(amount_base) as price_count
    from exchanged_prices
    where item_category is not null
    group by item_category, known_from

),

category_prices as (

    select
        snapshot_days.day,
        category_days.category,
        cast(sum(category_days.amount) as double) / nullif(sum(category_days.price_count), 0) as mean_price
    from snapshot_days
    inner join category_days
        on
            snapshot_days.day >= category_days.known_from
            and snapshot_days.day - interval '30' day < category_days.known_from
    group by snapshot_days.day, category_days.category

),

item_categories as (

    select
        item_id,
        known_from,
        item_category as category
    from exchanged_prices
    where item_category is not null

),

line_categories as (

    select
        line_days.cart_id,
        line_days.as_of,
        line_days.item_id,
        category_prices.mean_price
    from line_days
    {{ asof_join(
        'inner', 'item_categories', 'categories',
        keys={'item_id': 'line_days.item_id'}, at='line_days.day', comparison='>=', event_at='known_from'
    ) }}
    inner join category_prices
        on line_days.day = category_prices.day
        and categories.category = category_prices.category
    where categories.known_from > line_days.day - interval '30' day

),

-- A price from before the touch says nothing new: the cart has that of its adds.
line_prices as (

    select
        line_days.cart_id,
        line_days.as_of,
        line_days.item_id,
        case
            when
                prices.instant > line_days.touched_at
                and prices.known_from > line_days.day - interval '30' day
                then prices.amount_base
            else line_days.line_price
        end as newest_price
    from line_days
    {{ asof_join(
        'left', 'exchanged_prices', 'prices',
        keys={'item_id': 'line_days.item_id'}, at='line_days.day', comparison='>=', event_at='known_from'
    ) }}

),

price_ratios as (

    select
        line_days.cart_id,
        line_days.as_of,
        cast(line_days.line_price as double) / nullif(line_categories.mean_price, 0) as to_category,
        cast(line_prices.newest_price as double) / nullif(cast(line_days.line_price as double), 0) as price_change
    from line_days
    left join line_categories
        on line_days.cart_id = line_categories.cart_id
        and line_days.as_of = line_categories.as_of
        and line_days.item_id = line_categories.item_id
    left join line_prices
        on line_days.cart_id = line_prices.cart_id
        and line_days.as_of = line_prices.as_of
        and line_days.item_id = line_prices.item_id

),

price_features as (

    select
        cart_id,
        as_of,
        -- the sum is exact, so that it does not depend on the order of adding; far beyond others' prices all are alike
        cast(sum(cast(case when to_category > 1000 then 1000 else to_category end as decimal(18, 12))) as double)
        / nullif(count(to_category), 0) as price_to_category,
        min(price_change) as lowest_price_change
    from price_ratios
    group by 1, 2

)
{%- endmacro -%}
