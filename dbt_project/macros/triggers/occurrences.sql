{#-
    What belongs here: what conditions of triggers count. What does not: what there is to count (trigger_log.sql), how
    long a condition holds by it (condition_spans.sql), and when a trigger does (models/triggers/trigger_spans.sql).

    The calling model has `counted_types` and the CTEs of `trigger_log`. This adds CTEs, among them `possible_parts`, the
    last of which is `occurrences`: an event or cart that a condition counts, of a person, an item or a cart.
-#}
{%- macro trigger_occurrences() -%}
{%- set of_condition = 'condition_number, person_number, part_number' -%}
cart_starts as (

    select
        person_number,
        cart_number,
        started_at,
        max(until_hour) as until_hour
    from person_carts
    group by person_number, cart_number, started_at

),

-- What is counted of a cart is what its person did while it was open.
{% for of in ['counted_events', 'event_items'] -%}
{{ of }}_in_carts as (

    select
        events.*,
        carts.cart_number
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

    {% for per, events, part in [
        ('person', 'counted_events', '0'),
        ('cart', 'counted_events_in_carts', 'events.cart_number'),
    ] -%}
    select
        conditions.condition_number,
        conditions.is_anchor,
        events.person_number,
        {{ part }} as part_number,
        cast(null as integer) as counted_value,
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

    {% for per, events, part in [
        ('person', 'event_items', '0'),
        ('item', 'event_items', 'events.item_number'),
        ('cart', 'event_items_in_carts', 'events.cart_number'),
    ] -%}
    select
        conditions.condition_number,
        conditions.is_anchor,
        events.person_number,
        {{ part }} as part_number,
        case conditions.counted
            when 'item_id' then events.item_number
            when 'item_category' then events.category_number
        end as counted_value,
        events.event_at,
        events.order_key,
        events.list_key
    from counted_types as conditions
    inner join {{ events }} as events on conditions.counted_type = events.event_type
    where
        conditions.per = '{{ per }}'
        and {{ part }} is not null
        {%- if per != 'item' %}
        and conditions.counted is not null
        and not conditions.is_anchor
        {%- endif %}
        and (
            conditions.counted is null
            or conditions.is_anchor
            or case conditions.counted when 'item_id' then events.item_number else events.category_number end
                is not null
        )
    {%- if not loop.last %}

    union all

    {% endif -%}
    {%- endfor %}

),

-- How often each did what a trigger cannot hold without, whenever that was. To count different values takes long, so
-- only what asks for it is counted so.
part_counts as (

    {% for countable, condition, count in [
        ('countable_events', 'true', 'count(*)'),
        ('countable_items', 'conditions.counted is null', 'count(*)'),
        ('countable_items', 'conditions.counted is not null', 'count(distinct countable.counted_value)'),
    ] -%}
    select
        countable.condition_number,
        countable.person_number,
        countable.part_number,
        {{ count }} as occurrence_count
    from {{ countable }} as countable
    inner join counting_conditions as conditions on countable.condition_number = conditions.condition_number
    where
        not countable.is_anchor
        and conditions.needed_minimum is not null
        and {{ condition }}
    group by countable.condition_number, countable.person_number, countable.part_number
    {%- if not loop.last %}

    union all

    {% endif -%}
    {%- endfor %}

),

-- Of whom a trigger can hold at all. In most shops that is of few, and of all others nothing more is looked at.
possible_parts as (

    select
        conditions.trigger_number,
        part_counts.person_number,
        part_counts.part_number
    from part_counts
    inner join counting_conditions as conditions on part_counts.condition_number = conditions.condition_number
    where part_counts.occurrence_count >= conditions.needed_minimum
    group by conditions.trigger_number, part_counts.person_number, part_counts.part_number, conditions.needed_conditions
    having count(*) = conditions.needed_conditions

),

{% for of in ['events', 'items'] -%}
possible_{{ of }} as (

    select countable.*
    from countable_{{ of }} as countable
    inner join counting_conditions as conditions on countable.condition_number = conditions.condition_number
    left join possible_parts
        on
            conditions.trigger_number = possible_parts.trigger_number
            and countable.person_number = possible_parts.person_number
            and countable.part_number = possible_parts.part_number
    where
        conditions.needed_conditions = 0
        or possible_parts.person_number is not null

),

{% endfor -%}
{% set occurrence -%}
{{ of_condition }},
        is_anchor,
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
