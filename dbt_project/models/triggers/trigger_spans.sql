-- The hours at which all conditions of a trigger hold, also those to come: an hour without new rows only looks up
-- whether it is one of them.
--
-- A condition holds as long as a sum does that events add to once they are seen and take from once they are too old; a
-- trigger holds while all sums do. Triggers are rows here, and the SQL does not grow with them.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'persons_this_run': ['person_id']}}) }}

{% set of_condition = 'trigger_name, condition_number, person_id, part_id' -%}

with

rules as (

    {{ trigger_rules() | indent(4) }}

),

conditions as (

    {{ trigger_conditions() | indent(4) }}

),

-- What conditions count, and since when.
counted_types as (

    select
        *,
        event_type as counted_type,
        false as is_anchor
    from conditions
    where kind in ('events', 'since')

    union all

    select
        *,
        since_type as counted_type,
        true as is_anchor
    from conditions
    where kind = 'since'

),

{% if is_incremental_build() -%}
-- Every device of these persons.
visitors as (

    select person_id as visitor_id
    from {{ ref('persons_this_run') }}

    union

    select visitor_id
    from {{ ref('candidate_events') }}
    where
        drop_reason is null
        and user_id in (select persons.user_id from {{ ref('persons_this_run') }} as persons)

),

{% endif -%}
visitor_log as (

    select
        row_key,
        visitor_id,
        {{ person_id('owner_id', 'visitor_id') }} as person_id,
        event_at,
        event_type,
        event_number,
        item_id,
        is_activity
    from {{ ref('ordered_events') }}
    where {{ is_in_this_run('visitors', ['visitor_id']) }}

),

person_log as (

    select * from visitor_log
    where {{ is_in_this_run(ref('persons_this_run'), ['person_id']) }}

),

orders as (

    select
        visitor_id,
        {{ person_id('owner_id', 'visitor_id') }} as person_id,
        order_key,
        event_at,
        event_number
    from {{ ref('order_events') }}
    where {{ is_in_this_run('visitors', ['visitor_id']) }}

),

-- An order counts once, by its first purchase; of every other type each event does.
counted_events as (

    select
        person_id,
        event_type,
        cast(row_key as string) as event_key,
        event_at
    from person_log
    where
        event_type != 'purchase'
        and event_type in (select counted_types.counted_type from counted_types)

    union all

    select
        person_log.person_id,
        person_log.event_type,
        orders.order_key as event_key,
        person_log.event_at
    from person_log
    inner join orders
        on
            person_log.visitor_id = orders.visitor_id
            and person_log.event_number = orders.event_number

),

item_rows as (

    select
        visitor_log.row_key,
        visitor_log.visitor_id,
        visitor_log.person_id,
        visitor_log.event_at,
        visitor_log.event_type,
        visitor_log.item_id,
        candidates.item_category,
        candidates.quantity,
        candidates.order_id
    from visitor_log
    inner join {{ ref('candidate_events') }} as candidates on visitor_log.row_key = candidates.row_key
    where
        exists (
            select 1
            from conditions
            where
                conditions.kind = 'seen'
                and conditions.per = 'item'
        )
        or visitor_log.event_type in (
            select counted_types.counted_type
            from counted_types
            where counted_types.per = 'item' or counted_types.counted is not null
        )

),

keyed_rows as (

    select
        *,
        case when event_type = 'purchase' then {{ order_key() }} else cast(row_key as string) end as event_key
    from item_rows

),

-- The rows of an order's first purchase are those of its visitor and time; who bought is who the order is of.
counted_rows as (

    select
        keyed_rows.row_key,
        keyed_rows.event_at,
        keyed_rows.event_type,
        keyed_rows.event_key,
        keyed_rows.item_id,
        keyed_rows.item_category,
        keyed_rows.quantity,
        coalesce(orders.person_id, keyed_rows.person_id) as person_id
    from keyed_rows
    left join orders
        on
            keyed_rows.visitor_id = orders.visitor_id
            and keyed_rows.event_at = orders.event_at
            and keyed_rows.event_key = orders.order_key
    where
        keyed_rows.event_type != 'purchase'
        or orders.order_key is not null

),

event_items as (

    select
        counted_rows.person_id,
        counted_rows.event_type,
        counted_rows.event_key,
        counted_rows.event_at,
        case when listed.row_key is null then counted_rows.item_id else listed.item_id end as item_id,
        case when listed.row_key is null then counted_rows.item_category else listed.item_category end
            as item_category
    from counted_rows
    left join {{ ref('candidate_items') }} as listed on counted_rows.row_key = listed.row_key
    where
        {{ is_in_this_run(ref('persons_this_run'), ['counted_rows.person_id']) }}
        and (
            counted_rows.event_type != 'purchase'
            or case
                when listed.row_key is null then {{ bought_units('counted_rows.quantity') }}
                else {{ bought_units('listed.quantity') }}
            end > 0
        )

),

-- Who a visitor was, until it was somebody else.
visitor_persons as (

    select
        visitor_id,
        person_id,
        event_at,
        event_number,
        lag(person_id) over (
            partition by visitor_id
            order by event_number
        ) as previous_person_id
    from visitor_log

),

person_spans as (

    select
        visitor_id,
        person_id,
        event_at as from_at,
        lead(event_at) over (
            partition by visitor_id
            order by event_number
        ) as until_at
    from visitor_persons
    where coalesce(person_id != previous_person_id, true)

),

-- Carts while they are open. That one expires or is left behind is judged by the hour and not by the end of the log.
open_carts as (

    select
        carts.cart_id,
        carts.visitor_id,
        carts.started_at,
        {{ first_hour_from('carts.started_at') }} as from_hour,
        {{ first_hour_from(session_over_at('session_totals.ended_at')) }} as abandoned_hour,
        case
            when carts.status in ('converted', 'emptied') then {{ first_hour_from('carts.closed_at') }}
            else {{ first_hour_after(cart_expires_at('carts.last_touched_at')) }}
        end as until_hour
    from {{ ref('carts') }} as carts
    inner join {{ ref('session_totals') }} as session_totals on carts.session_id = session_totals.session_id
    where {{ is_in_this_run('visitors', ['carts.visitor_id']) }}

),

-- A cart is of whoever its visitor is at the hour.
person_carts as (

    select
        person_spans.person_id,
        open_carts.cart_id,
        open_carts.started_at,
        open_carts.abandoned_hour,
        greatest(open_carts.from_hour, {{ first_hour_from('person_spans.from_at') }}) as from_hour,
        least(open_carts.until_hour, {{ first_hour_from('person_spans.until_at') }}) as until_hour
    from open_carts
    inner join person_spans on open_carts.visitor_id = person_spans.visitor_id
    where
        open_carts.from_hour < coalesce({{ first_hour_from('person_spans.until_at') }}, open_carts.until_hour)
        and {{ first_hour_from('person_spans.from_at') }} < open_carts.until_hour
        and {{ is_in_this_run(ref('persons_this_run'), ['person_spans.person_id']) }}

),

{% if has_condition('value_at_least') -%}
{{ cart_values('cart_values', 'open_carts') }},

{% endif -%}
person_occurrences as (

    select
        conditions.trigger_name,
        conditions.condition_number,
        conditions.per,
        conditions.kind,
        conditions.counted,
        conditions.minutes,
        conditions.is_anchor,
        events.person_id,
        '' as part_id,
        cast(null as string) as counted_value,
        events.event_key,
        events.event_at
    from counted_types as conditions
    inner join counted_events as events on conditions.counted_type = events.event_type
    where
        conditions.per != 'item'
        and (conditions.counted is null or conditions.is_anchor)

    union all

    select distinct
        conditions.trigger_name,
        conditions.condition_number,
        conditions.per,
        conditions.kind,
        conditions.counted,
        conditions.minutes,
        conditions.is_anchor,
        events.person_id,
        case when conditions.per = 'item' then events.item_id else '' end as part_id,
        case conditions.counted
            when 'item_id' then events.item_id
            when 'item_category' then events.item_category
        end as counted_value,
        events.event_key,
        events.event_at
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

cart_starts as (

    select
        person_id,
        cart_id,
        started_at,
        max(until_hour) as until_hour
    from person_carts
    group by person_id, cart_id, started_at

),

occurrences as (

    select
        trigger_name,
        condition_number,
        kind,
        counted,
        minutes,
        is_anchor,
        person_id,
        part_id,
        counted_value,
        event_at
    from person_occurrences
    where per != 'cart'

    union all

    select
        events.trigger_name,
        events.condition_number,
        events.kind,
        events.counted,
        events.minutes,
        events.is_anchor,
        events.person_id,
        carts.cart_id as part_id,
        events.counted_value,
        events.event_at
    from person_occurrences as events
    inner join cart_starts as carts
        on
            events.person_id = carts.person_id
            and events.event_at >= carts.started_at
            and events.event_at < carts.until_hour
    where events.per = 'cart'

),

-- Of one instant nothing is after the other.
neighbours as (

    select
        *,
        lead(event_at) over (
            partition by {{ of_condition }}, is_anchor, counted_value
            order by event_at
        ) as same_again_at,
        max(case when is_anchor then event_at end) over (
            partition by {{ of_condition }}
            order by event_at, is_anchor
            rows between unbounded preceding and 1 preceding
        ) as last_anchor_at,
        min(case when is_anchor then event_at end) over (
            partition by {{ of_condition }}
            order by event_at, is_anchor
            rows between 1 following and unbounded following
        ) as next_anchor_at
    from occurrences

),

activity as (

    select
        person_id,
        event_at,
        lag(event_at) over person_order as previous_at,
        lead(event_at) over person_order as next_at
    from person_log
    where is_activity
    window person_order as (
        partition by person_id
        order by event_at
    )

),

-- From when to when each event adds one to a condition; `until_hour` is null where nothing ends it.
pieces as (

    select
        {{ of_condition }},
        {{ first_hour_from('event_at') }} as from_hour,
        least(
            {{ first_hour_from("event_at + minutes * interval '1' minute") }},
            {{ first_hour_from('next_anchor_at') }},
            case when counted is not null then {{ first_hour_from('same_again_at') }} end
        ) as until_hour
    from neighbours
    where
        not is_anchor
        and (kind != 'since' or last_anchor_at is not null)

    union all

    select
        conditions.trigger_name,
        conditions.condition_number,
        activity.person_id,
        '' as part_id,
        {{ first_hour_from("activity.event_at + conditions.minutes * interval '1' minute") }} as from_hour,
        {{ first_hour_from('activity.next_at') }} as until_hour
    from conditions
    inner join activity
        on coalesce(activity.event_at + conditions.minutes * interval '1' minute < activity.next_at, true)
    where conditions.kind = 'idle_at_least'

    union all

    select
        conditions.trigger_name,
        conditions.condition_number,
        activity.person_id,
        '' as part_id,
        {{ first_hour_from('activity.event_at') }} as from_hour,
        least(
            {{ first_hour_after("activity.event_at + conditions.minutes * interval '1' minute") }},
            {{ first_hour_from('activity.next_at') }}
        ) as until_hour
    from conditions
    cross join activity
    where conditions.kind = 'idle_at_most'

    union all

    select
        conditions.trigger_name,
        conditions.condition_number,
        activity.person_id,
        '' as part_id,
        {{ first_hour_from('activity.event_at') }} as from_hour,
        {{ first_hour_from("activity.event_at + conditions.minutes * interval '1' minute") }} as until_hour
    from conditions
    inner join activity
        on activity.event_at >= activity.previous_at + conditions.away_minutes * interval '1' minute
    where conditions.kind = 'back_after'

    union all

    select
        conditions.trigger_name,
        conditions.condition_number,
        carts.person_id,
        case when conditions.per = 'cart' then carts.cart_id else '' end as part_id,
        greatest(
            carts.from_hour,
            case when conditions.cart = 'abandoned' then carts.abandoned_hour end
            {%- if has_condition('value_at_least') %},
            case when conditions.value_at_least is not null then cart_values.from_hour end
            {%- endif %}
        ) as from_hour,
        least(
            carts.until_hour
            {%- if has_condition('value_at_least') %},
            case when conditions.value_at_least is not null then cart_values.until_hour end
            {%- endif %}
        ) as until_hour
    from conditions
    cross join person_carts as carts
    {%- if has_condition('value_at_least') %}
    left join cart_values
        on
            carts.cart_id = cart_values.cart_id
            and conditions.value_at_least is not null
    {%- endif %}
    where
        conditions.kind = 'cart'
        and (conditions.value_at_least is null or {{
            'cart_values.value_base >= conditions.value_at_least' if has_condition('value_at_least') else 'true'
        }})

    union all

    select
        conditions.trigger_name,
        conditions.condition_number,
        seen.person_id,
        '' as part_id,
        {{ first_hour_from('min(seen.event_at)') }} as from_hour,
        cast(null as timestamp) as until_hour
    from conditions
    cross join person_log as seen
    where
        conditions.kind = 'seen'
        and conditions.per = 'person'
    group by conditions.trigger_name, conditions.condition_number, seen.person_id

    union all

    select
        conditions.trigger_name,
        conditions.condition_number,
        seen.person_id,
        seen.item_id as part_id,
        {{ first_hour_from('min(seen.event_at)') }} as from_hour,
        cast(null as timestamp) as until_hour
    from conditions
    cross join event_items as seen
    where
        conditions.kind = 'seen'
        and conditions.per = 'item'
        and seen.item_id is not null
    group by conditions.trigger_name, conditions.condition_number, seen.person_id, seen.item_id

),

steps as (

    select
        {{ of_condition }},
        from_hour as at_hour,
        1 as change
    from pieces
    where coalesce(from_hour < until_hour, true)

    union all

    select
        {{ of_condition }},
        until_hour as at_hour,
        -1 as change
    from pieces
    where from_hour < until_hour

),

hourly_steps as (

    select
        {{ of_condition }},
        at_hour,
        sum(change) as change
    from steps
    group by {{ of_condition }}, at_hour

),

totals as (

    select
        {{ of_condition }},
        at_hour as from_hour,
        lead(at_hour) over (
            partition by {{ of_condition }}
            order by at_hour
        ) as until_hour,
        sum(change) over (
            partition by {{ of_condition }}
            order by at_hour
            rows between unbounded preceding and current row
        ) as total
    from hourly_steps

),

condition_spans as (

    select
        totals.trigger_name,
        totals.person_id,
        totals.part_id,
        totals.from_hour,
        totals.until_hour,
        conditions.per,
        conditions.is_forbidden
    from totals
    inner join conditions
        on
            totals.trigger_name = conditions.trigger_name
            and totals.condition_number = conditions.condition_number
    where totals.total >= conditions.minimum

),

-- What holds of the person holds of each item and cart.
parts as (

    select distinct
        trigger_name,
        person_id,
        part_id
    from condition_spans
    where
        part_id != ''
        and not is_forbidden

),

part_spans as (

    select
        trigger_name,
        person_id,
        part_id,
        from_hour,
        until_hour,
        is_forbidden
    from condition_spans
    where
        per = 'person'
        or part_id != ''

    union all

    select
        condition_spans.trigger_name,
        condition_spans.person_id,
        parts.part_id,
        condition_spans.from_hour,
        condition_spans.until_hour,
        condition_spans.is_forbidden
    from condition_spans
    inner join parts
        on
            condition_spans.trigger_name = parts.trigger_name
            and condition_spans.person_id = parts.person_id
    where
        condition_spans.per != 'person'
        and condition_spans.part_id = ''

),

part_steps as (

    select
        trigger_name,
        person_id,
        part_id,
        from_hour as at_hour,
        case when is_forbidden then 0 else 1 end as held_change,
        case when is_forbidden then 1 else 0 end as forbidden_change
    from part_spans

    union all

    select
        trigger_name,
        person_id,
        part_id,
        until_hour as at_hour,
        case when is_forbidden then 0 else -1 end as held_change,
        case when is_forbidden then -1 else 0 end as forbidden_change
    from part_spans
    where until_hour is not null

),

part_changes as (

    select
        trigger_name,
        person_id,
        part_id,
        at_hour,
        sum(held_change) as held_change,
        sum(forbidden_change) as forbidden_change
    from part_steps
    group by trigger_name, person_id, part_id, at_hour
    having sum(held_change) != 0 or sum(forbidden_change) != 0

),

part_totals as (

    select
        trigger_name,
        person_id,
        part_id,
        at_hour as from_hour,
        lead(at_hour) over part_order as until_hour,
        sum(held_change) over part_order as held_count,
        sum(forbidden_change) over part_order as forbidden_count
    from part_changes
    window part_order as (
        partition by trigger_name, person_id, part_id
        order by at_hour
    )

),

final as (

    select
        part_totals.trigger_name,
        part_totals.person_id,
        part_totals.part_id,
        part_totals.from_hour,
        part_totals.until_hour
    from part_totals
    inner join rules on part_totals.trigger_name = rules.trigger_name
    where
        part_totals.held_count = rules.needed_count
        and part_totals.forbidden_count = 0

)

select * from final
