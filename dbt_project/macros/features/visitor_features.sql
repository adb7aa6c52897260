{#-
    What belongs here: what a row of visitor_states says of its visitor, as features; one list for carts and for
    returns. The calling model has `states`; `instant` is the time at which the features are taken. What does not:
    features of a cart alone (cart_snapshots.sql). One that grows with time by itself is moved on in `ml/later.py`.
-#}
{%- macro visitor_features(instant) -%}
{%- set session_minutes = '60 * ' ~ hours_between('states.session_started_at', 'states.last_activity_at') -%}
{%- set local = shop_time(instant) -%}
{%- set visitor_age_days = hours_between('states.first_activity_at', 'states.session_started_at') ~ ' / 24' -%}
cast(states.session_event_count as double) as session_event_count,
        cast(states.session_page_view_count as double) as session_page_view_count,
        cast(states.session_view_count as double) as session_view_count,
        cast(states.session_distinct_item_count as double) as session_distinct_item_count,
        cast(states.session_add_count as double) as session_add_count,
        cast(states.session_remove_count as double) as session_remove_count,
        cast(states.session_search_count as double) as session_search_count,
        cast(states.session_wishlist_count as double) as session_wishlist_count,
        cast(states.session_cart_view_count as double) as session_cart_view_count,
        cast(states.session_checkout_step as double) as session_checkout_step,
        cast(states.session_order_count as double) as session_order_count,
        cast(states.session_is_signed_in as double) as session_is_signed_in,
        cast({{ session_minutes }} as double) as session_minutes,
        cast(states.session_event_count / ({{ session_minutes }} + 1) as double) as session_events_per_minute,
        cast(states.session_item_us as double) / 60000000 as session_item_minutes,
        cast(states.session_longest_gap_us as double) / 60000000 as session_longest_gap_minutes,
        cast(states.last_gap_us as double) / 60000000 as session_last_gap_minutes,
        cast(states.session_referrer_domain is not null as double) as session_has_referrer,
        cast(states.session_utm_medium != '' as double) as session_has_campaign,
        cast(states.session_number as double) as visitor_session_count,
        cast({{ hours_between('states.previous_session_ended_at', 'states.session_started_at') }} / 24 as double)
            as visitor_days_since_previous_session,
        cast({{ visitor_age_days }} as double) as visitor_age_days,
        cast({{ visitor_age_days }} / nullif(states.session_number - 1, 0) as double)
            as visitor_mean_days_between_sessions,
        cast(states.visitor_event_count as double) as visitor_event_count,
        cast(states.visitor_view_count as double) as visitor_view_count,
        cast(states.visitor_add_count as double) as visitor_add_count,
        cast(states.visitor_checkout_count as double) as visitor_checkout_count,
        cast(states.visitor_order_count as double) as visitor_order_count,
        cast(states.visitor_order_value as double) as visitor_order_value,
        cast({{ hours_between('states.visitor_last_order_at', instant) }} / 24 as double) as visitor_days_since_order,
        cast(states.owner_id is not null as double) as visitor_is_known,
        cast(coalesce(states.last_device_type = 'mobile', false) as double) as device_is_mobile,
        cast(sin(extract(hour from {{ local }}) * pi() / 12) as double) as clock_hour_sin,
        cast(cos(extract(hour from {{ local }}) * pi() / 12) as double) as clock_hour_cos,
        cast({{ weekday(local) }} as double) as clock_weekday
{%- endmacro -%}
