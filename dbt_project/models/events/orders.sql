-- Orders, each at the first time it was told.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'touched_visitors': ['visitor_id']}}) }}

{% set columns = [
    'source', 'event_id', 'visitor_id', 'owner_id', 'event_at', 'event_rank', 'event_number', 'session_number',
    'order_id', 'order_value', 'quantity', 'price',
] | join(', ') -%}

with

purchases as (

    select {{ columns }}
    from {{ touched_or_all(ref('touched_log'), ref('events')) }}
    where event_type = 'purchase'

),

{% if follows_last_build() -%}
-- Others may have told the same orders before.
purchases_elsewhere as (

    select {{ columns }}
    from {{ ref('events') }}
    where
        event_type = 'purchase'
        and {{ keys_in('purchases', ['order_id']) }}
        and not {{ keys_in(ref('touched_visitors'), ['visitor_id']) }}

),

{% endif -%}
keyed as (

    select
        *,
        case
            when order_id is not null then 'id' || chr(31) || order_id
            else 'at' || chr(31) || visitor_id || chr(31) || cast({{ epoch_us('event_at') }} as varchar)
        end as order_key
    from (
        select * from purchases
        {% if follows_last_build() -%}
        union all
        select * from purchases_elsewhere
        {%- endif %}
    ) as purchases

),

told as (

    select
        *,
        row_number() over (
            partition by order_key
            order by {{ event_order() }}
        ) as telling,
        first_value(visitor_id) over (
            partition by order_key
            order by {{ event_order() }}
        ) as first_visitor_id,
        min(event_at) over (partition by order_key) as first_event_at
    from keyed

),

-- A source that tells one row an item tells one order in several rows of one visitor and time.
valued as (

    select
        order_key,
        cast(coalesce(
            max(case when telling = 1 then order_value end),
            sum(cast(coalesce(quantity, 1) as bigint) * price)
        ) as decimal(38, 4)) as order_value,
        count(*) as row_count
    from told
    where
        visitor_id = first_visitor_id
        and event_at = first_event_at
    group by 1

),

final as (

    select
        told.order_key,
        told.order_id,
        told.source,
        told.event_id,
        told.visitor_id,
        told.event_number,
        told.session_number,
        told.owner_id,
        told.event_at,
        told.event_rank,
        valued.order_value
    from told
    inner join valued on told.order_key = valued.order_key
    where told.telling = 1

)

select * from final
where {{ named_by(ref('touched_visitors'), ['visitor_id']) }}
