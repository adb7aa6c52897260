-- Ids that tie more together than one person, order or event can be: no list of placeholders is complete. And visitors
-- whose events came twice under two ids, as from a collector that is built in twice.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'ids_this_run': ['kind', 'id']}}) }}

-- depends_on: {{ ref('ids_this_run') }}

{% set limits = {'user_id': 20, 'order_id': 3} -%}

with

{% for kind, limit in limits.items() -%}
    {{ kind }}s as (

        select
            '{{ kind }}' as kind,
            cast(null as string) as source,
            {{ kind }} as id,
            count(distinct visitor_id) as visitor_count,
            count(*) as event_count,
            min(event_at) as first_event_at,
            max(event_at) as last_event_at,
            'more than {{ limit }} visitors have it' as detail
        from {{ ref('candidate_events') }}
        where
            drop_reason is null
            and {{ kind }} is not null
            {% if kind == 'order_id' -%}
                and event_rank = {{ event_rank("'purchase'") }}
            {% endif -%}
        {% if is_incremental_build() -%}
        and {{ kind }} in (
            select ids_this_run.id from {{ ref('ids_this_run') }} as ids_this_run
            where ids_this_run.kind = '{{ kind }}'
        )
        {% endif %}
        group by {{ kind }}
        having count(distinct visitor_id) > {{ limit }}

    ),

{% endfor -%}
-- Rows of one event id that name several visitors: of these one event is left.
repeated_events as (

    select
        source,
        event_id,
        row_key,
        visitor_id,
        kept_visitor_id
    from {{ ref('duplicate_rows') }}
    {% if is_incremental_build() -%}
    where
        event_id in (
            select ids_this_run.id from {{ ref('ids_this_run') }} as ids_this_run
            where ids_this_run.kind = 'event_id'
        )
    {%- endif %}

),

event_ids as (

    select
        'event_id' as kind,
        source,
        event_id as id,
        count(distinct visitor_id) + min(case when kept_visitor_id = visitor_id then 0 else 1 end) as visitor_count,
        count(*) + 1 as event_count
    from repeated_events
    group by source, event_id
    having bool_or(visitor_id != kept_visitor_id)

),

-- The events that came within 50 ms of the one before.
quick_events as (

    select
        row_key,
        visitor_id,
        event_at,
        event_number
    from {{ ref('ordered_events') }}
    where
        event_at <= previous_activity_at + interval '50' millisecond
        and {{ is_in_this_run(ref('visitors_this_run'), ['visitor_id']) }}

),

-- Further back than ten events nobody looks: a robot may make thousands in an instant.
close_pairs as (

    select
        quick_events.row_key,
        earlier.row_key as earlier_row_key
    from quick_events
    inner join {{ this_run_or_all(ref('log_this_run'), ref('ordered_events')) }} as earlier
        on
            quick_events.visitor_id = earlier.visitor_id
            and earlier.event_number between quick_events.event_number - 10 and quick_events.event_number - 1
            and earlier.event_at >= quick_events.event_at - interval '50' millisecond

),

close_rows as (

    select row_key from close_pairs

    union

    select earlier_row_key as row_key from close_pairs

),

close_events as (

    select
        candidates.row_key,
        candidates.visitor_id,
        candidates.event_id,
        candidates.event_type,
        candidates.event_at,
        candidates.item_id,
        candidates.quantity,
        candidates.price,
        candidates.currency
    from {{ this_run_or_all(ref('rows_this_run'), ref('candidate_events')) }} as candidates
    inner join close_rows on candidates.row_key = close_rows.row_key

),

close_items as (

    {{ items_of('close_events', ['row_key']) }}

),

-- All items of an event in their order; of an event without any that has an id it cannot be said whether it came twice.
-- Place and id are hashed as one text: the hash of two values is their hashes put together, and would cancel out.
items_in_order as (

    select
        row_key,
        count(*) as item_count,
        bit_xor({{ hash_number(["cast(item_number as string) || ':' || coalesce(item_id, '')"]) }}) as items_hash
    from close_items
    group by row_key
    having count(item_id) > 0

),

comparable as (

    select
        close_events.row_key,
        close_events.visitor_id,
        close_events.event_id,
        close_events.event_type,
        close_events.event_at,
        items_in_order.item_count,
        items_in_order.items_hash
    from close_events
    inner join items_in_order on close_events.row_key = items_in_order.row_key

),

double_fires as (

    select
        later.visitor_id,
        later.event_id,
        earlier.event_id as earlier_event_id,
        later.event_at
    from close_pairs
    inner join comparable as later on close_pairs.row_key = later.row_key
    inner join comparable as earlier on close_pairs.earlier_row_key = earlier.row_key
    where
        later.event_type = earlier.event_type
        and later.item_count = earlier.item_count
        and later.items_hash = earlier.items_hash

),

final as (

    {% for kind in limits -%}
        select * from {{ kind }}s

        union all

    {% endfor -%}
    select
        event_ids.kind,
        event_ids.source,
        event_ids.id,
        event_ids.visitor_count,
        event_ids.event_count,
        cast(null as timestamp) as first_event_at,
        cast(null as timestamp) as last_event_at,
        'several visitors have it: one event of the id counts' as detail
    from event_ids

    union all

    select
        'double_fire' as kind,
        cast(null as string) as source,
        visitor_id as id,
        1 as visitor_count,
        count(distinct event_id) as event_count,
        min(event_at) as first_event_at,
        max(event_at) as last_event_at,
        'events of one type and item within 50 ms, such as '
        || min(earlier_event_id || ' and ' || event_id) as detail
    from double_fires
    group by visitor_id

)

select
    kind,
    source,
    id,
    visitor_count,
    event_count,
    first_event_at,
    last_event_at,
    detail
from final
