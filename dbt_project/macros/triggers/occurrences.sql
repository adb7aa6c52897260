{#-
    What belongs here: what conditions of triggers count. What does not: what there is to count (trigger_log.sql), how
    long a condition holds by it (condition_spans.sql), and when a trigger does (models/triggers/trigger_spans.sql).

    The calling model has `counted_types` and the CTEs of `trigger_log`. This adds CTEs, among them `possible_parts`, the
    last of which is `occurrences`: an event or cart that a condition counts, of a person, an item or a cart.
-#}
{%- macro trigger_occurrences() -%}
{%- set condition_of_person -%}
conditions.trigger_number,
        conditions.condition_number,
        conditions.kind,
        conditions.counted,
        conditions.minimum,
        conditions.minutes,
        conditions.is_anchor,
        conditions.needed_minimum,
        conditions.needed_conditions,
        events.person_number
{%- endset -%}
cart_starts as (

    select
        person_number,
        cart_id,
        started_at,
        max(until_hour) as until_hour
    from person_carts
    group by person_number, cart_id, started_at

),

-- What is counted of a cart is what its person did while it was open.
{% for of in ['counted_events', 'event_items'] -%}
{{ of }}_in_carts as (

    select
        events.*,
        carts.cart_id
    from {{ of }} as events
    inner join cart_starts as carts
        on
            events.person_number = carts.person_number
            and events.event_at >= carts.started_at
            and events.event_at < carts.until_hour
    where events.event_type in ({{ counted_event_types(per='cart') }})

),

{% endfor -%}
countable_events as (

    {% for per, events, part_id in [
        ('person', 'counted_events', "''"),
        ('cart', 'counted_events_in_carts', 'events.cart_id'),
    ] -%}
    select
        {{ condition_of_person }},
        {{ part_id }} as part_id,
        cast(null as string) as counted_value,
        events.event_at
    from counted_types as conditions
    inner join {{ events }} as events on conditions.counted_type = events.event_type
    where
        conditions.per = '{{ per }}'
        and (conditions.counted is null or conditions.is_anchor)
    {%- if not loop.last %}

    union all

    {% endif -%}
    {%- endfor %}

),

countable_items as (

    {% for per, events, part_id in [
        ('person', 'event_items', "''"),
        ('item', 'event_items', 'events.item_id'),
        ('cart', 'event_items_in_carts', 'events.cart_id'),
    ] -%}
    select
        {{ condition_of_person }},
        {{ part_id }} as part_id,
        case conditions.counted
            when 'item_id' then events.item_id
            when 'item_category' then events.item_category
        end as counted_value,
        events.event_at,
        events.order_key,
        events.list_key
    from counted_types as conditions
    inner join {{ events }} as events on conditions.counted_type = events.event_type
    where
        conditions.per = '{{ per }}'
        and {{ part_id }} is not null
        {%- if per != 'item' %}
        and conditions.counted is not null
        and not conditions.is_anchor
        {%- endif %}
        and (
            conditions.counted is null
            or conditions.is_anchor
            or case conditions.counted when 'item_id' then events.item_id else events.item_category end is not null
        )
    {%- if not loop.last %}

    union all

    {% endif -%}
    {%- endfor %}

),

-- Whoever did as often as a condition asks for, whenever that was. To count different values takes long, so only what
-- asks for it is counted so.
met_conditions as (

    {% for countable, condition, count in [
        ('countable_events', 'true', 'count(*)'),
        ('countable_items', 'counted is null', 'count(*)'),
        ('countable_items', 'counted is not null', 'count(distinct counted_value)'),
    ] -%}
    select
        trigger_number,
        person_number,
        part_id,
        needed_conditions
    from {{ countable }}
    where
        needed_minimum is not null
        and not is_anchor
        and {{ condition }}
    group by trigger_number, condition_number, person_number, part_id, needed_conditions, needed_minimum
    having {{ count }} >= needed_minimum
    {%- if not loop.last %}

    union all

    {% endif -%}
    {%- endfor %}

),

-- Of whom a trigger can hold at all. In most shops that is of few, and of all others nothing more is looked at.
possible_parts as (

    select
        trigger_number,
        person_number,
        part_id
    from met_conditions
    group by trigger_number, person_number, part_id, needed_conditions
    having count(*) = needed_conditions

),

{% for of in ['events', 'items'] -%}
possible_{{ of }} as (

    select countable.*
    from countable_{{ of }} as countable
    left join possible_parts
        on
            countable.trigger_number = possible_parts.trigger_number
            and countable.person_number = possible_parts.person_number
            and countable.part_id = possible_parts.part_id
    where
        countable.needed_conditions = 0
        or possible_parts.person_number is not null

),

{% endfor -%}
{% set occurrence -%}
condition_number,
        kind,
        counted,
        minimum,
        minutes,
        is_anchor,
        person_number,
        part_id,
        counted_value,
        event_at
{%- endset -%}
occurrences as (

    select
        {{ occurrence }}
    from possible_events

    union all

    select
        {{ occurrence }}
    from possible_items
    where
        order_key is null
        and list_key is null

    union all

    -- of each event and order, once
    select
        {{ occurrence }}
    from (
        select distinct
            {{ occurrence | indent(4) }},
            order_key,
            list_key
        from possible_items
        where
            order_key is not null
            or list_key is not null
    ) as listed_once

)
{%- endmacro -%}
