{#-
    What belongs here: carts as they stood at instants. One definition makes the snapshots to learn from and those to
    score, so the two cannot drift apart: everything here comes from events with event_at <= as_of and nothing else.
    What does not: what is known of its items (cart_items.sql) and its visits (item_views.sql), and features of a visitor
    (visitor_features.sql). One that grows with time by itself is moved on in `ml/later.py`.

    The calling model has two CTEs: `spine`, one row a snapshot: a row of cart_touches and its as_of; and `states`, the
    visitor_states of the spine's visitors. This adds CTEs, the last of which is `snapshots`: the spine's keys and every
    feature. Only the persons and carts of the spine are looked at, so few snapshots cost little however long the log
    is. `instant` is the as_of of all snapshots where they share one.
-#}
{%- macro cart_snapshots(instant=none) -%}
-- An as-of join is slower with every column: it only finds the number of the row, a plain join fetches the row.
instants as (

    select
        visitor_id,
        event_at,
        event_number
    from states
    where is_last_at_instant

),

bots as (

    select
        visitor_id,
        min(session_number) as first_bot_session_number
    from {{ ref('session_totals') }}
    where is_suspected_bot
    group by 1

),

{{ line_states('line_states', 'spine') }},

lines as (

    select
        spine.cart_id,
        spine.visitor_id,
        spine.as_of,
        spine.touched_at,
        line_states.line_item_id,
        line_states.first_added_at,
        line_states.quantity,
        line_states.unit_price,
        line_states.currency,
        line_states.unit_price as amount,
        spine.as_of as instant
    from spine
    inner join line_states
        on spine.cart_id = line_states.cart_id
    where
        {{ is_line_after('spine.touch_number', 'line_states') }}

),

{{ base_amounts('exchanged_lines', 'lines', ref('hour_currency')) }},

{{ cart_values('money_totals', 'lines', ref('hour_currency')) }},

-- The carts of these visitors, each as it closed: what the earlier ones were worth.
visitor_carts as (

    select
        cart_id,
        visitor_id,
        started_at,
        line_count,
        coalesce(closed_at, last_touched_at) as instant
    from {{ ref('carts') }}
    where {{ keys_in('spine', ['visitor_id']) }}

),

visitor_cart_lines as (

    select
        visitor_carts.cart_id,
        visitor_carts.instant,
        lines.quantity,
        lines.unit_price,
        lines.currency
    from visitor_carts
    inner join {{ ref('cart_lines') }} as lines on visitor_carts.cart_id = lines.cart_id

),

{{ cart_values('visitor_cart_values', 'visitor_cart_lines', ref('hour_currency')) }},

valued_carts as (

    select
        visitor_carts.cart_id,
        visitor_carts.visitor_id,
        visitor_carts.started_at,
        {{ base_value_of('visitor_carts.line_count', 'visitor_cart_values.cart_value_base') }} as cart_value_base
    from visitor_carts
    left join visitor_cart_values on visitor_carts.cart_id = visitor_cart_values.cart_id

),

earlier_carts as (

    select
        cart_id,
        cast(sum(cart_value_base) over earlier as double)
        / nullif(count(cart_value_base) over earlier, 0) as mean_value
    from valued_carts
    window earlier as (
        partition by visitor_id
        order by started_at
        rows between unbounded preceding and 1 preceding
    )

),

{{ item_rates(instant) }},

{{ item_prices() }},

{{ visits_of_carts() }},

state_numbers as (

    select
        spine.cart_id,
        spine.visitor_id,
        spine.as_of,
        instants.event_number
    from spine
    {{ asof_join(
        'inner', 'instants', 'instants',
        keys={'visitor_id': 'spine.visitor_id'}, at='spine.as_of', comparison='>=', event_at='event_at'
    ) }}

),

visitor_states as (

    select
        state_numbers.cart_id as spine_cart_id,
        state_numbers.as_of,
        states.*
    from state_numbers
    inner join states
        on
            state_numbers.visitor_id = states.visitor_id
            and state_numbers.event_number = states.event_number

),

asked_days as (

    select
        last_country as country,
        as_of as instant
    from visitor_states

),

{{ calendar_days('days', 'asked_days') }},

person_events as (

    select * from {{ ref('ordered_events') }}
    where {{ keys_in('visitor_states', ['owner_id']) }}

),

{{ owner_states('person_events') }},

persons as (

    select
        visitor_states.spine_cart_id,
        visitor_states.as_of,
        owner_states.*
    from visitor_states
    {{ asof_join(
        'inner', 'owner_states', 'owner_states',
        keys={'owner_id': 'visitor_states.owner_id'}, at='visitor_states.as_of', comparison='>=', event_at='event_at'
    ) }}

),

snapshots as (

    select
        spine.cart_id,
        spine.visitor_id,
        states.owner_id,
        spine.as_of,
        spine.touched_at as last_touched_at,
        states.last_activity_at as session_ended_at,
        calendar.country as calendar_country,
        money_totals.cart_value,
        money_totals.currency,
        money_totals.cart_value_base,
        coalesce(money_totals.is_rate_lacking, false) as is_rate_lacking,
        {{ is_suspected_bot(
            'states.session_event_count', 'states.session_started_at', 'states.last_activity_at'
        ) }}
        or coalesce(states.session_number > bots.first_bot_session_number, false) as is_suspected_bot,

        -- what is in the cart
        cast(money_totals.cart_value_base as double) as cart_total,
        cast(spine.cart_quantity as double) as cart_quantity,
        cast(spine.cart_line_count as double) as cart_line_count,
        cast(line_features.highest_price as double) as cart_dearest_price,
        cast(line_features.cheapest_price as double) as cart_cheapest_price,
        cast(money_totals.cart_value_base as double) / nullif(spine.cart_quantity, 0) as cart_mean_price,
        cast(money_totals.cart_value_base as double) / nullif(spine.cart_quantity, 0)
        / nullif(cast(states.visitor_viewed_value as double) / nullif(states.visitor_priced_view_count, 0), 0)
            as cart_price_to_viewed_price,
        cast(spine.cart_add_count as double) as cart_add_count,
        cast(spine.cart_remove_count as double) as cart_remove_count,
        cast({{ hours_between('spine.cart_started_at', 'spine.as_of') }} as double) as cart_age_hours,
        cast(line_features.mean_conversion_rate as double) as item_mean_conversion_rate,
        cast(line_features.lowest_conversion_rate as double) as item_lowest_conversion_rate,
        cast(line_features.most_added_count as double) as item_most_added_count,
        price_features.price_to_category as item_price_to_category,
        price_features.lowest_price_change as item_lowest_price_change,
        cast(coalesce(item_views.before_add_count, 0) as double) as item_views_before_add,
        cast(coalesce(item_views.in_a_row_count, 0) as double) as item_views_in_a_row,
        cast(coalesce(item_views.view_count - item_views.before_add_count, 0) as double) as item_views_since_add,
        cast(coalesce(item_views.view_us, 0) as double) / 60000000 as item_view_minutes,
        cast({{ hours_between('item_views.viewed_at', 'spine.as_of') }} as double) as item_view_idle_hours,

        -- the visit in which the cart began
        cast(cart_visits.event_count as double) as cart_session_event_count,
        cast(cart_visits.view_count as double) as cart_session_view_count,
        cast(60 * {{ hours_between('cart_visits.started_at', 'cart_visits.ended_at') }} as double)
            as cart_session_minutes,
        cast(cart_visits.checkout_step as double) as cart_session_checkout_step,

        -- this session and this visitor
        {{ visitor_features('spine.as_of') }},
        cast(spine.previous_cart_count as double) as visitor_previous_cart_count,
        1 - spine.previous_converted_count / nullif(spine.previous_cart_count, 0) as visitor_lost_cart_share,
        earlier_carts.mean_value as visitor_mean_previous_cart_value,

        -- the person across devices
        cast(coalesce(persons.owner_visitor_count, 0) as double) as owner_visitor_count,
        cast(coalesce(persons.owner_session_count, 0) as double) as owner_session_count,
        cast(coalesce(persons.owner_order_count, 0) as double) as owner_order_count,
        cast(coalesce(persons.owner_order_value, 0) as double) as owner_order_value,
        cast({{ hours_between('persons.owner_last_order_at', 'spine.as_of') }} / 24 as double)
            as owner_days_since_order,
        cast({{ hours_between('persons.event_at', 'spine.as_of') }} as double) as owner_idle_hours,

        -- how long nothing has happened
        cast({{ hours_between('states.last_activity_at', 'spine.as_of') }} as double) as idle_hours,
        cast({{ hours_between('spine.touched_at', 'spine.as_of') }} as double) as cart_idle_hours,

        -- the day
        {{ calendar_features() }},

        -- categories
        states.last_event_type,
        states.last_device_type as device_type,
        states.last_country as country,
        nullif(states.session_utm_medium, '') as session_utm_medium
    from spine
    inner join visitor_states as states
        on spine.cart_id = states.spine_cart_id
        and spine.as_of = states.as_of
    inner join days as calendar
        on
            coalesce(states.last_country, '') = calendar.place
            and spine.as_of = calendar.instant
    left join persons
        on spine.cart_id = persons.spine_cart_id
        and spine.as_of = persons.as_of
    left join line_features
        on spine.cart_id = line_features.cart_id
        and spine.as_of = line_features.as_of
    left join price_features
        on spine.cart_id = price_features.cart_id
        and spine.as_of = price_features.as_of
    left join item_views
        on spine.cart_id = item_views.cart_id
        and spine.as_of = item_views.as_of
    left join cart_visits
        on spine.cart_id = cart_visits.cart_id
        and spine.as_of = cart_visits.as_of
    left join money_totals
        on
            spine.cart_id = money_totals.cart_id
            and spine.as_of = money_totals.instant
    left join earlier_carts on spine.cart_id = earlier_carts.cart_id
    left join bots on spine.visitor_id = bots.visitor_id

)
{%- endmacro -%}
