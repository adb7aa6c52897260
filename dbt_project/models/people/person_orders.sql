-- Orders by person as they were known at the hour.

select
    {{ person_id('order_events.owner_id', 'order_events.visitor_id') }} as person_id,
    order_events.order_key,
    order_events.event_at as ordered_at,
    order_values.order_value_base
from {{ ref('order_events') }} as order_events
left join {{ ref('hour_order_values') }} as order_values on order_events.order_key = order_values.order_key
where order_events.event_at <= {{ as_of() }}
