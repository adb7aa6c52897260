{#-
    What belongs here: what the persons of the run did, as far as triggers ask for it: their events, the items of these,
    and their carts. What does not: what conditions count of it (occurrences.sql).

    This adds CTEs, among them `persons`, `item_numbers` and `open_carts` (with the numbers that stand for them),
    `person_log`, `counted_events`, `event_items` and `person_carts`.
-#}
{%- macro trigger_log() -%}
{%- set log = this_run_or_all('device_log', ref('ordered_events')) -%}
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

-- Kept here as it is read several times; a full build reads the whole log again, which is cheaper than to keep it.
device_log as (

    select *
    from {{ ref('ordered_events') }}
    where {{ keys_in('visitors', ['visitor_id']) }}

),

{% endif -%}
visitor_orders as (

    select
        {{ person_id('owner_id', 'visitor_id') }} as person_id,
        order_key,
        event_at
    from {{ ref('order_events') }}
    where {{ is_in_this_run('visitors', ['visitor_id']) }}

),

person_ids as (

    select {{ person_id('owner_id', 'visitor_id') }} as person_id
    from {{ log }}

    union

    select person_id from visitor_orders

),

-- Whoever had these devices, and who of them is of the run.
persons as (

    select
        person_id,
        cast(row_number() over (order by person_id) as integer) as person_number,
        {{ is_in_this_run(ref('persons_this_run'), ['person_id']) }} as is_of_run
    from person_ids

),

person_log as (

    select
        log.row_key,
        persons.person_number,
        log.event_at,
        log.event_type,
        log.counted_as,
        log.item_id,
        log.is_activity,
        log.context_flags
    from {{ log }} as log
    inner join persons on {{ person_id('log.owner_id', 'log.visitor_id') }} = persons.person_id
    where persons.is_of_run

),

orders as (

    select
        persons.person_number,
        visitor_orders.order_key,
        visitor_orders.event_at
    from visitor_orders
    inner join persons on visitor_orders.person_id = persons.person_id
    where persons.is_of_run

),

-- A page view that is the view of an item or a list by its address is a page view, too.
typed_log as (

    select
        row_key,
        person_number,
        event_type,
        counted_as,
        event_at,
        item_id
    from person_log
    {%- if "'page_view'" in counted_event_types() %}

    union all

    select
        row_key,
        person_number,
        'page_view' as event_type,
        'page_view' as counted_as,
        event_at,
        item_id
    from person_log
    where
        {{ is_page_view_too('event_type', 'context_flags') }}
    {%- endif %}

),

-- An order counts once, by its first purchase; of every other type each event does, as what it counts as.
counted_events as (

    select
        person_number,
        counted_as as event_type,
        event_at
    from typed_log
    where
        event_type != 'purchase'
        and counted_as in ({{ counted_event_types() }})

    union all

    select
        person_number,
        'purchase' as event_type,
        event_at
    from orders

),

-- An event lists an item once or several times; each counts as what it is itself.
named_items as (

    select
        typed_log.person_number,
        {{ item_counted_as(
            'typed_log.event_type',
            'case when listed.row_key is null then candidates.quantity else listed.quantity end'
        ) | indent(8) }} as event_type,
        typed_log.event_at,
        case when listed.row_key is null then typed_log.item_id else listed.item_id end as item_id,
        case when listed.row_key is null then candidates.item_category else listed.item_category end
            as item_category,
        cast(null as string) as order_key,
        listed.row_key as list_key
    from typed_log
    inner join {{ ref('candidate_events') }} as candidates on typed_log.row_key = candidates.row_key
    left join {{ ref('candidate_items') }} as listed on typed_log.row_key = listed.row_key
    where
        typed_log.event_type != 'purchase'
        {%- if not has_seen_items() %}
        and (
            typed_log.event_type in ({{ counted_event_types(of_items=true) }})
            -- an item of an add may be a removal
            or (
                typed_log.event_type = 'add_to_cart'
                and 'remove_from_cart' in ({{ counted_event_types(of_items=true) }})
            )
        )
        {%- endif %}

    union all

    -- of an order those that it bought; who bought is who the order is of
    select
        orders.person_number,
        'purchase' as event_type,
        orders.event_at,
        nullif(bought.item_id, '(unknown)') as item_id,
        bought.item_category,
        bought.order_key,
        cast(null as bigint) as list_key
    from orders
    inner join {{ ref('order_items') }} as bought on orders.order_key = bought.order_key
    where
        {{ counts_as_bought('bought') }}
        {%- if not has_seen_items() %}
        and 'purchase' in ({{ counted_event_types(of_items=true) }})
        {%- endif %}

),

-- Null has a number as well, which nothing is joined to: a filter here meets a fault of DuckDB 2.0.0 (dictionaries of a
-- column that several read).
{% for of in ['item', 'category'] -%}
{%- set name = 'item_id' if of == 'item' else 'item_category' -%}
{{ of }}_numbers as (

    select
        {{ name }},
        cast(row_number() over (order by {{ name }}) as integer) as {{ of }}_number
    from named_items
    group by {{ name }}

),

{% endfor -%}
event_items as (

    select
        named_items.person_number,
        named_items.event_type,
        named_items.event_at,
        item_numbers.item_number,
        category_numbers.category_number,
        named_items.order_key,
        named_items.list_key
    from named_items
    left join item_numbers on named_items.item_id = item_numbers.item_id
    left join category_numbers on named_items.item_category = category_numbers.item_category

),

-- Carts while they are open. That one expires or is left behind is judged by the hour and not by the end of the log.
open_carts as (

    select
        carts.cart_id,
        cast(row_number() over (order by carts.cart_id) as integer) as cart_number,
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

-- Who the visitor of a cart was, until it was somebody else. Most are the same all the time.
cart_visitors as (

    select
        visitor_id,
        min(owner_id) as owner_id,
        min(event_at) as from_at,
        count(owner_id) in (0, count(*)) and coalesce(min(owner_id) = max(owner_id), true) as is_one_person
    from {{ log }}
    where {{ keys_in('open_carts', ['visitor_id']) }}
    group by visitor_id

),

changing_visitors as (

    select
        visitor_id,
        owner_id,
        event_at,
        event_number,
        lag(owner_id) over (
            partition by visitor_id
            order by event_number
        ) as previous_owner_id
    from {{ log }}
    where visitor_id in (
        select cart_visitors.visitor_id
        from cart_visitors
        where not cart_visitors.is_one_person
    )

),

visitor_spans as (

    select
        visitor_id,
        {{ person_id('owner_id', 'visitor_id') }} as person_id,
        from_at,
        cast(null as timestamp) as until_at
    from cart_visitors
    where is_one_person

    union all

    select
        visitor_id,
        {{ person_id('owner_id', 'visitor_id') }} as person_id,
        event_at as from_at,
        lead(event_at) over (
            partition by visitor_id
            order by event_number
        ) as until_at
    from changing_visitors
    where
        event_number = 1
        or owner_id is distinct from previous_owner_id

),

person_spans as (

    select
        visitor_spans.visitor_id,
        persons.person_number,
        visitor_spans.from_at,
        visitor_spans.until_at
    from visitor_spans
    inner join persons on visitor_spans.person_id = persons.person_id
    where persons.is_of_run

),

-- A cart is of whoever its visitor is at the hour.
person_carts as (

    select
        person_spans.person_number,
        open_carts.cart_id,
        open_carts.cart_number,
        open_carts.started_at,
        open_carts.abandoned_hour,
        greatest(open_carts.from_hour, {{ first_hour_from('person_spans.from_at') }}) as from_hour,
        least(open_carts.until_hour, {{ first_hour_from('person_spans.until_at') }}) as until_hour
    from open_carts
    inner join person_spans on open_carts.visitor_id = person_spans.visitor_id
    where
        open_carts.from_hour < coalesce({{ first_hour_from('person_spans.until_at') }}, open_carts.until_hour)
        and {{ first_hour_from('person_spans.from_at') }} < open_carts.until_hour

)
{%- if has_condition('value_at_least') -%}
,

{{ cart_value_spans('cart_value_spans', 'open_carts') }}
{%- endif %}
{%- endmacro -%}
