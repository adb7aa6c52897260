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
        conditions.per,
        conditions.kind,
        conditions.counted,
        conditions.minimum,
        conditions.minutes,
        conditions.is_anchor,
        conditions.needed_minimum,
        conditions.needed_conditions,
        events.person_number
{%- endset -%}
countable_events as (

    select
        {{ condition_of_person }},
        '' as part_id,
        cast(null as string) as counted_value,
        events.event_at
    from counted_types as conditions
    inner join counted_events as events on conditions.counted_type = events.event_type
    where
        conditions.per != 'item'
        and (conditions.counted is null or conditions.is_anchor)

),

countable_items as (

    select
        {{ condition_of_person }},
        case when conditions.per = 'item' then events.item_id else '' end as part_id,
        case conditions.counted
            when 'item_id' then events.item_id
            when 'item_category' then events.item_category
        end as counted_value,
        events.event_at,
        events.order_key,
        events.list_key
    from counted_types as conditions
    inner join event_items as events on conditions.counted_type = events.event_type
    where
        (conditions.per = 'item' or (conditions.counted is not null and not conditions.is_anchor))
        and (conditions.per != 'item' or events.item_id is not null)
        and (
            conditions.counted is null
            or conditions.is_anchor
            or case conditions.counted when 'item_id' then events.item_id else events.item_category end is not null
        )

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
        per,
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
person_occurrences as (

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

),

cart_starts as (

    select
        person_number,
        cart_id,
        started_at,
        max(until_hour) as until_hour
    from person_carts
    group by person_number, cart_id, started_at

),

occurrences as (

    select
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
    from person_occurrences
    where per != 'cart'

    union all

    select
        events.condition_number,
        events.kind,
        events.counted,
        events.minimum,
        events.minutes,
        events.is_anchor,
        events.person_number,
        carts.cart_id as part_id,
        events.counted_value,
        events.event_at
    from person_occurrences as events
    inner join cart_starts as carts
        on
            events.person_number = carts.person_number
            and events.event_at >= carts.started_at
            and events.event_at < carts.until_hour
    where events.per = 'cart'

)
{%- endmacro -%}
