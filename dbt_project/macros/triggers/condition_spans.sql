{#-
    What belongs here: how long a condition of a trigger holds by what it counts. What does not: what that is
    (occurrences.sql), and when a trigger holds (models/triggers/trigger_spans.sql).

    The calling model has `conditions` and the CTEs of `trigger_log` and `trigger_occurrences`. This adds CTEs, the last of
    which is `condition_spans`: the hours from which to which a condition holds, of a part of a person's doings.
-#}
{%- macro trigger_condition_spans() -%}
{%- set of_condition = 'condition_number, person_number, part_number' -%}
{%- set after_minutes = "activity.event_at + conditions.minutes * interval '1' minute" -%}
-- What is to differ counts until it is there again, and where one of any is enough, that counts until the next is.
followed_conditions as (

    select condition_number
    from counting_conditions
    where
        counted is not null
        or (kind = 'events' and minimum = 1)

),

values_followed as (

    select
        {{ of_condition }},
        is_anchor,
        event_at,
        lead(event_at) over (
            partition by {{ of_condition }}, counted_value
            order by event_at
        ) as same_again_at
    from occurrences
    where
        not is_anchor
        and {{ keys_in('followed_conditions', ['condition_number']) }}

    union all

    select
        {{ of_condition }},
        is_anchor,
        event_at,
        cast(null as timestamp) as same_again_at
    from occurrences
    where
        is_anchor
        or not {{ keys_in('followed_conditions', ['condition_number']) }}

),

-- Most who did the one never did the other, and have nothing in an order.
anchored_parts as (

    select {{ of_condition }}
    from values_followed
    group by {{ of_condition }}
    having
        bool_or(is_anchor)
        and bool_or(not is_anchor)

),

-- The anchors around each event. Of one instant nothing is after the other.
anchors_found as (

    select
        {{ of_condition }},
        is_anchor,
        event_at,
        same_again_at,
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
    from values_followed
    where {{ keys_in('anchored_parts', of_condition.split(', ')) }}

),

activity as (

    select
        person_number,
        event_at,
        lag(event_at) over person_order as previous_at,
        lead(event_at) over person_order as next_at
    from person_log
    where is_activity
    window person_order as (
        partition by person_number
        order by event_at
    )

),

-- From when to when each event adds one to a condition; `until_hour` is null where nothing ends it. Where no two can add
-- at the same hour (`is_alone`) and one is enough, there is nothing to sum.
pieces as (

    select
        events.condition_number,
        events.person_number,
        events.part_number,
        {{ first_hour_from('events.event_at') }} as from_hour,
        least(
            {{ first_hour_from("events.event_at + conditions.minutes * interval '1' minute") }},
            {{ first_hour_from('events.same_again_at') }}
        ) as until_hour,
        conditions.counted is null and conditions.minimum = 1 as is_alone
    from values_followed as events
    inner join conditions on events.condition_number = conditions.condition_number
    where conditions.kind = 'events'

    union all

    select
        {{ of_condition }},
        {{ first_hour_from('event_at') }} as from_hour,
        least({{ first_hour_from('next_anchor_at') }}, {{ first_hour_from('same_again_at') }}) as until_hour,
        false as is_alone
    from anchors_found
    where
        not is_anchor
        and last_anchor_at is not null
        and condition_number in (
            select conditions.condition_number from conditions
            where conditions.minimum > 1
        )

    union all

    -- where one is enough, the first after an anchor is
    select
        {{ of_condition }},
        {{ first_hour_from('min(event_at)') }} as from_hour,
        {{ first_hour_from('next_anchor_at') }} as until_hour,
        true as is_alone
    from anchors_found
    where
        not is_anchor
        and last_anchor_at is not null
        and condition_number in (
            select conditions.condition_number from conditions
            where conditions.minimum = 1
        )
    group by {{ of_condition }}, last_anchor_at, next_anchor_at

    union all

    {{ pieces_of(
        'idle_at_least', 'activity',
        from_hour=first_hour_from(after_minutes), until_hour=first_hour_from('activity.next_at'),
        joined_on='coalesce(' ~ after_minutes ~ ' < activity.next_at, true)', is_alone=true
    ) }}

    union all

    {{ pieces_of(
        'idle_at_most', 'activity',
        from_hour=first_hour_from('activity.event_at'),
        until_hour='least(' ~ first_hour_after(after_minutes) ~ ', ' ~ first_hour_from('activity.next_at') ~ ')',
        is_alone=true
    ) }}

    union all

    {{ pieces_of(
        'back_after', 'activity',
        from_hour=first_hour_from('activity.event_at'), until_hour=first_hour_from(after_minutes),
        joined_on="activity.event_at >= activity.previous_at + conditions.away_minutes * interval '1' minute"
    ) }}

    union all

    select
        conditions.condition_number,
        carts.person_number,
        case when conditions.per = 'cart' then carts.cart_number else 0 end as part_number,
        greatest(
            carts.from_hour,
            case when conditions.cart = 'abandoned' then carts.abandoned_hour end
            {%- if has_condition('value_at_least') %},
            case when conditions.value_at_least is not null then cart_value_spans.from_hour end
            {%- endif %}
        ) as from_hour,
        least(
            carts.until_hour
            {%- if has_condition('value_at_least') %},
            case when conditions.value_at_least is not null then cart_value_spans.until_hour end
            {%- endif %}
        ) as until_hour,
        false as is_alone
    from conditions
    cross join person_carts as carts
    {%- if has_condition('value_at_least') %}
    left join cart_value_spans
        on
            carts.cart_id = cart_value_spans.cart_id
            and conditions.value_at_least is not null
    {%- endif %}
    where
        conditions.kind = 'cart'
        and (conditions.value_at_least is null or {{
            'cart_value_spans.value_base >= conditions.value_at_least' if has_condition('value_at_least') else 'true'
        }})

    union all

    {{ pieces_of(
        'seen', 'person_log',
        from_hour=first_hour_from('min(person_log.event_at)'), until_hour='cast(null as timestamp)',
        joined_on="conditions.per = 'person'", is_grouped=true, is_alone=true
    ) }}

    union all

    {{ pieces_of(
        'seen', 'event_items',
        from_hour=first_hour_from('min(event_items.event_at)'), until_hour='cast(null as timestamp)',
        joined_on="conditions.per = 'item' and event_items.item_number is not null",
        part='event_items.item_number', is_grouped=true, is_alone=true
    ) }}

),

possible_persons as (

    select distinct
        trigger_number,
        person_number
    from possible_parts

),

-- Nothing is summed of persons of whom the trigger cannot hold.
possible_pieces as (

    select pieces.*
    from pieces
    inner join conditions on pieces.condition_number = conditions.condition_number
    left join possible_persons
        on
            conditions.trigger_number = possible_persons.trigger_number
            and pieces.person_number = possible_persons.person_number
    where
        coalesce(pieces.from_hour < pieces.until_hour, true)
        and (
            possible_persons.person_number is not null
            or conditions.trigger_number not in (
                select counting_conditions.trigger_number
                from counting_conditions
                where counting_conditions.needed_conditions > 0
            )
        )

),

steps as (

    select
        {{ of_condition }},
        from_hour as at_hour,
        1 as change
    from possible_pieces
    where not is_alone

    union all

    select
        {{ of_condition }},
        until_hour as at_hour,
        -1 as change
    from possible_pieces
    where
        not is_alone
        and until_hour is not null

),

hourly_steps as (

    select
        {{ of_condition }},
        at_hour,
        cast(sum(change) as integer) as change
    from steps
    group by {{ of_condition }}, at_hour

),

running_totals as (

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

-- How many add, from hour to hour.
hourly_totals as (

    select
        {{ of_condition }},
        from_hour,
        until_hour,
        total
    from running_totals

    union all

    select
        {{ of_condition }},
        from_hour,
        until_hour,
        1 as total
    from possible_pieces
    where is_alone

),

condition_spans as (

    select
        conditions.trigger_number,
        hourly_totals.person_number,
        hourly_totals.part_number,
        hourly_totals.from_hour,
        hourly_totals.until_hour,
        conditions.per,
        conditions.is_forbidden
    from hourly_totals
    inner join conditions on hourly_totals.condition_number = conditions.condition_number
    where hourly_totals.total >= conditions.minimum

)
{%- endmacro -%}

{#- Of the conditions of a kind, from when to when each row of a relation of persons' doings adds one. -#}
{%- macro pieces_of(kind, rows, from_hour, until_hour, joined_on='true', part='0', is_grouped=false, is_alone=false) -%}
select
        conditions.condition_number,
        {{ rows }}.person_number,
        {{ part }} as part_number,
        {{ from_hour }} as from_hour,
        {{ until_hour }} as until_hour,
        {{ is_alone }} as is_alone
    from conditions
    inner join {{ rows }} on {{ joined_on }}
    where conditions.kind = '{{ kind }}'
    {%- if is_grouped %}
    group by 1, 2, 3
    {%- endif %}
{%- endmacro -%}
