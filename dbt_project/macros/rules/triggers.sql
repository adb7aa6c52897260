{#-
    What belongs here: triggers as relations, and the times of their hours. Not here: how a trigger is written and what
    one may ask for (orchestration reads the files of `triggers`, checks them and hands them over), nor what follows
    from the log (models/triggers).
-#}

{#- The first full hour at or after an instant: the first at which it lies in the past. -#}
{%- macro first_hour_from(instant) -%}
date_trunc('hour', {{ instant }} + interval '1' hour - interval '1' microsecond)
{%- endmacro -%}

{#- The first full hour after an instant. -#}
{%- macro first_hour_after(instant) -%}
date_trunc('hour', {{ instant }} + interval '1' hour)
{%- endmacro -%}

{#- The triggers by number, with how many of their conditions have to hold; the others must not. -#}
{%- macro trigger_rules() -%}
{%- for trigger in var('triggers') -%}
select
    {{ loop.index }} as trigger_number,
    {{ text_literal(trigger.name) }} as trigger_name,
    {{ trigger.version }} as version,
    '{{ trigger.per }}' as per,
    {{ text_literal(trigger.channel) }} as channel,
    {{ trigger.cooldown_hours }} as cooldown_hours,
    {{ trigger.conditions | rejectattr('is_forbidden') | list | length }} as needed_count
{% if not loop.last %}union all
{% endif -%}
{%- else -%}
select
    cast(null as integer) as trigger_number,
    cast(null as string) as trigger_name,
    cast(null as integer) as version,
    cast(null as string) as per,
    cast(null as string) as channel,
    cast(null as integer) as cooldown_hours,
    cast(null as integer) as needed_count
where false
{%- endfor -%}
{%- endmacro -%}

{#-
    The conditions of all triggers as one relation: triggers become rows here, so that the SQL that finds where they
    hold is as long for fifty as for one. They go by numbers: windows over millions of names take three times as long.
-#}
{%- macro trigger_conditions() -%}
{%- set lines = [] -%}
{%- for trigger in var('triggers') -%}
    {%- set trigger_number = loop.index -%}
    {%- for condition in trigger.conditions -%}
        {%- do lines.append("(" ~ [
            trigger_number,
            lines | length + 1,
            "'" ~ trigger.per ~ "'",
            "'" ~ condition.kind ~ "'",
            'true' if condition.is_forbidden else 'false',
            text_or_null(condition.event_type),
            text_or_null(condition.since_type),
            condition.minimum,
            text_or_null(condition.counted),
            'null' if condition.minutes is none else condition.minutes,
            'null' if condition.away_minutes is none else condition.away_minutes,
            text_or_null(condition.cart),
            'null' if condition.value_at_least is none else condition.value_at_least,
        ] | join(', ') ~ ")") -%}
    {%- endfor -%}
{%- endfor -%}
select
    cast(trigger_number as integer) as trigger_number,
    cast(condition_number as integer) as condition_number,
    cast(per as string) as per,
    cast(kind as string) as kind,
    cast(is_forbidden as boolean) as is_forbidden,
    cast(event_type as string) as event_type,
    cast(since_type as string) as since_type,
    cast(minimum as bigint) as minimum,
    cast(counted as string) as counted,
    cast(minutes as integer) as minutes,
    cast(away_minutes as integer) as away_minutes,
    cast(cart as string) as cart,
    cast(value_at_least as decimal(38, 4)) as value_at_least
from (
    values
    {{ lines | join(',\n    ') or '(null, null, null, null, null, null, null, null, null, null, null, null, null)' }}
) as conditions (
    trigger_number, condition_number, per, kind, is_forbidden, event_type, since_type, minimum, counted, minutes,
    away_minutes, cart, value_at_least
)
{%- if not lines %}
where false
{%- endif -%}
{%- endmacro -%}

{%- macro text_or_null(text) -%}
{{ return('null' if text is none else text_literal(text)) }}
{%- endmacro -%}

{#- Whether any condition of any trigger has a value for a key. -#}
{%- macro has_condition(key) -%}
{%- set found = [] -%}
{%- for trigger in var('triggers') -%}
    {%- for condition in trigger.conditions if condition[key] is not none -%}
        {%- do found.append(key) -%}
    {%- endfor -%}
{%- endfor -%}
{{ return(found | length > 0) }}
{%- endmacro -%}

{#-
    The types of events that conditions count, or count since, as a list of SQL: as literals they are looked for where the
    log is read. `per` of these only triggers of persons, items or carts; `of_items` only where the items of an event matter.
-#}
{%- macro counted_event_types(per=none, of_items=false) -%}
{%- set types = [] -%}
{%- for trigger in var('triggers') if per is none or trigger.per == per -%}
    {%- for condition in trigger.conditions
        if condition.event_type is not none and (not of_items or trigger.per == 'item' or condition.counted is not none) -%}
        {%- do types.extend([condition.event_type, condition.since_type]) -%}
    {%- endfor -%}
{%- endfor -%}
{%- for type in types | select | unique | sort or ['none'] -%}
{{ text_literal(type) }}{{ ', ' if not loop.last }}
{%- endfor -%}
{%- endmacro -%}

{#- Whether a trigger asks for any item that was seen at all. -#}
{%- macro has_seen_items() -%}
{%- set found = [] -%}
{%- for trigger in var('triggers') if trigger.per == 'item' -%}
    {%- do found.extend(trigger.conditions | selectattr('kind', 'equalto', 'seen') | list) -%}
{%- endfor -%}
{{ return(found | length > 0) }}
{%- endmacro -%}

{#-
    Adds CTEs, the last of which is `name`: what carts are worth from a touch to the next, in the reporting currency at
    the rates of the touch; none where no price is known or a rate is lacking.

    carts: a relation with the cart_id of those that are looked at.
-#}
{%- macro cart_value_spans(name, carts) -%}
{{ line_states('line_states', carts) }},

cart_instants as (

    select
        cart_id,
        event_at as instant,
        max(operation_number) as operation_number,
        lead(event_at) over (
            partition by cart_id
            order by event_at
        ) as next_instant
    from line_states
    group by cart_id, event_at

),

cart_lines as (

    select
        cart_instants.cart_id,
        cart_instants.instant,
        line_states.quantity,
        line_states.unit_price,
        line_states.currency
    from cart_instants
    inner join line_states on cart_instants.cart_id = line_states.cart_id
    where
        {{ is_line_after('cart_instants.operation_number', 'line_states') }}

),

{{ cart_values('cart_values', 'cart_lines', ref('log_currency')) }},

{{ name }} as (

    select
        cart_instants.cart_id,
        cart_values.cart_value_base as value_base,
        {{ first_hour_from('cart_instants.instant') }} as from_hour,
        {{ first_hour_from('cart_instants.next_instant') }} as until_hour
    from cart_instants
    inner join cart_values
        on
            cart_instants.cart_id = cart_values.cart_id
            and cart_instants.instant = cart_values.instant

)
{%- endmacro -%}
