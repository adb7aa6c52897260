-- The hours at which all conditions of a trigger hold, also those to come: an hour without new rows only looks up
-- whether it is one of them.
--
-- A condition holds as long as a sum does that events add to once they are seen and take from once they are too old; a
-- trigger holds while all sums do. Triggers are rows here, and the SQL does not grow with them.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'persons_this_run': ['person_id']}}) }}

with

rules as (

    {{ trigger_rules() | indent(4) }}

),

conditions as (

    {{ trigger_conditions() | indent(4) }}

),

-- Of conditions that count: how often at least, where the trigger cannot hold without, and how many of those it has.
counting_conditions as (

    select
        *,
        case when not is_forbidden then minimum end as needed_minimum,
        count(*) filter (where not is_forbidden) over (partition by trigger_number) as needed_conditions
    from conditions
    where kind in ('events', 'since')

),

-- What they count, and since when.
counted_types as (

    select
        *,
        event_type as counted_type,
        false as is_anchor
    from counting_conditions

    union all

    select
        *,
        since_type as counted_type,
        true as is_anchor
    from counting_conditions
    where kind = 'since'

),

{{ trigger_log() }},

{{ trigger_occurrences() }},

{{ trigger_condition_spans() }},

-- What holds of the person holds of each item and cart.
parts as (

    select distinct
        trigger_number,
        person_number,
        part_number
    from condition_spans
    where
        part_number != 0
        and not is_forbidden

),

part_spans as (

    select
        trigger_number,
        person_number,
        part_number,
        from_hour,
        until_hour,
        is_forbidden
    from condition_spans
    where
        per = 'person'
        or part_number != 0

    union all

    select
        condition_spans.trigger_number,
        condition_spans.person_number,
        parts.part_number,
        condition_spans.from_hour,
        condition_spans.until_hour,
        condition_spans.is_forbidden
    from condition_spans
    inner join parts
        on
            condition_spans.trigger_number = parts.trigger_number
            and condition_spans.person_number = parts.person_number
    where
        condition_spans.per != 'person'
        and condition_spans.part_number = 0

),

part_steps as (

    select
        trigger_number,
        person_number,
        part_number,
        from_hour as at_hour,
        case when is_forbidden then 0 else 1 end as held_change,
        case when is_forbidden then 1 else 0 end as forbidden_change
    from part_spans

    union all

    select
        trigger_number,
        person_number,
        part_number,
        until_hour as at_hour,
        case when is_forbidden then 0 else -1 end as held_change,
        case when is_forbidden then -1 else 0 end as forbidden_change
    from part_spans
    where until_hour is not null

),

part_changes as (

    select
        trigger_number,
        person_number,
        part_number,
        at_hour,
        cast(sum(held_change) as integer) as held_change,
        cast(sum(forbidden_change) as integer) as forbidden_change
    from part_steps
    group by trigger_number, person_number, part_number, at_hour
    having sum(held_change) != 0 or sum(forbidden_change) != 0

),

part_totals as (

    select
        trigger_number,
        person_number,
        part_number,
        at_hour as from_hour,
        lead(at_hour) over part_order as until_hour,
        sum(held_change) over part_order as held_count,
        sum(forbidden_change) over part_order as forbidden_count
    from part_changes
    window part_order as (
        partition by trigger_number, person_number, part_number
        order by at_hour
    )

),

final as (

    select
        rules.trigger_name,
        persons.person_id,
        case rules.per
            when 'item' then item_numbers.item_id
            when 'cart' then open_carts.cart_id
            else ''
        end as part_id,
        part_totals.from_hour,
        part_totals.until_hour
    from part_totals
    inner join rules on part_totals.trigger_number = rules.trigger_number
    inner join persons on part_totals.person_number = persons.person_number
    left join item_numbers
        on
            part_totals.part_number = item_numbers.item_number
            and rules.per = 'item'
    left join open_carts
        on
            part_totals.part_number = open_carts.cart_number
            and rules.per = 'cart'
    where
        part_totals.held_count = rules.needed_count
        and part_totals.forbidden_count = 0

)

select * from final
