{#-
    What a row of event_stream says of its visitor at that event, as features: one list for carts and for returns.
    `instant` is the time at which it is told.
-#}
{%- macro visitor_features(state, instant) -%}
{%- set session_minutes = '60 * ' ~ hours_between(state ~ '.session_started_at', state ~ '.last_activity_at') -%}
{%- set visitor_age_days = hours_between(state ~ '.first_activity_at', state ~ '.session_started_at') ~ ' / 24' -%}
cast({{ state }}.session_event_count as double) as session_event_count,
        cast({{ state }}.session_page_view_count as double) as session_page_view_count,
        cast({{ state }}.session_view_count as double) as session_view_count,
        cast({{ state }}.session_distinct_item_count as double) as session_distinct_item_count,
        cast({{ state }}.session_add_count as double) as session_add_count,
        cast({{ state }}.session_remove_count as double) as session_remove_count,
        cast({{ state }}.session_search_count as double) as session_search_count,
        cast({{ state }}.session_wishlist_count as double) as session_wishlist_count,
        cast({{ state }}.session_cart_view_count as double) as session_cart_view_count,
        cast({{ state }}.session_checkout_step as double) as session_checkout_step,
        cast({{ state }}.session_order_count as double) as session_order_count,
        cast({{ session_minutes }} as double) as session_minutes,
        cast({{ state }}.session_event_count / ({{ session_minutes }} + 1) as double) as session_events_per_minute,
        cast({{ state }}.session_item_us / 60000000.0 as double) as session_item_minutes,
        cast({{ state }}.session_longest_gap_us / 60000000.0 as double) as session_longest_gap_minutes,
        cast({{ state }}.last_gap_us / 60000000.0 as double) as session_last_gap_minutes,
        cast({{ state }}.session_referrer_domain is not null as double) as session_has_referrer,
        cast({{ state }}.session_utm_medium != '' as double) as session_has_campaign,
        cast({{ state }}.session_number as double) as visitor_session_count,
        cast({{ hours_between(state ~ '.previous_session_ended_at', state ~ '.session_started_at') }} / 24 as double)
            as visitor_days_since_previous_session,
        cast({{ visitor_age_days }} as double) as visitor_age_days,
        cast({{ visitor_age_days }} / nullif({{ state }}.session_number - 1, 0) as double)
            as visitor_mean_days_between_sessions,
        cast({{ state }}.visitor_event_count as double) as visitor_event_count,
        cast({{ state }}.visitor_view_count as double) as visitor_view_count,
        cast({{ state }}.visitor_add_count as double) as visitor_add_count,
        cast({{ state }}.visitor_checkout_count as double) as visitor_checkout_count,
        cast({{ state }}.visitor_order_count as double) as visitor_order_count,
        cast({{ state }}.visitor_order_value as double) as visitor_order_value,
        cast({{ hours_between(state ~ '.visitor_last_order_at', instant) }} / 24 as double) as visitor_days_since_order,
        cast({{ state }}.owner_id is not null as double) as visitor_is_known,
        cast(coalesce({{ state }}.last_device_type = 'mobile', false) as double) as device_is_mobile,
        cast(sin(extract(hour from {{ instant }}) * pi() / 12) as double) as clock_hour_sin,
        cast(cos(extract(hour from {{ instant }}) * pi() / 12) as double) as clock_hour_cos,
        cast(extract(isodow from {{ instant }}) as double) as clock_weekday
{%- endmacro -%}
