-- The event of each order: the first purchase that reports it, with what the order came to.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'visitors_this_run': ['visitor_id']}}) }}

{% set columns = [
    'row_key', 'source', 'event_id', 'visitor_id', 'owner_id', 'event_at', 'event_rank', 'event_number',
    'session_number', 'order_id', 'order_value', 'item_id', 'quantity', 'price', 'currency',
] | join(', ') -%}

with

purchases as (

    select {{ columns }}
    from {{ this_run_or_all(ref('log_this_run'), ref('events')) }}
    where event_type = 'purchase'

),

{% if is_incremental_build() -%}
-- Earlier rows of the same orders may be of other visitors.
purchases_elsewhere as (

    select {{ columns }}
    from {{ ref('events') }}
    where
        event_type = 'purchase'
        and {{ keys_in('purchases', ['order_id']) }}
        and not {{ keys_in(ref('visitors_this_run'), ['visitor_id']) }}

),

{% endif -%}
keyed as (

    select
        *,
        {{ order_key() }} as order_key
    from (
        select * from purchases
        {% if is_incremental_build() -%}
        union all
        select * from purchases_elsewhere
        {%- endif %}
    ) as purchases

),

ranked_purchases as (

    select
        *,
        row_number() over (
            partition by order_key
            order by {{ event_order() }}
        ) as purchase_rank,
        first_value(visitor_id) over (
            partition by order_key
            order by {{ event_order() }}
        ) as first_visitor_id,
        min(event_at) over (partition by order_key) as first_event_at
    from keyed

),

first_purchases as (

    select * from ranked_purchases
    where
        visitor_id = first_visitor_id
        and event_at = first_event_at

),

{{ items_of_orders() }},

-- Two currencies are not added; a price without one is in a currency of its own.
item_totals as (

    select
        order_key,
        sum({{ bought_units('quantity') }} * price) as item_value,
        count(distinct coalesce(currency, '')) filter (where price is not null and {{ bought_units('quantity') }} > 0)
            as currency_count,
        max(currency) filter (where price is not null and {{ bought_units('quantity') }} > 0) as currency
    from order_items
    group by 1

),

final as (

    select
        ranked_purchases.order_key,
        ranked_purchases.order_id,
        ranked_purchases.source,
        ranked_purchases.event_id,
        ranked_purchases.visitor_id,
        ranked_purchases.event_number,
        ranked_purchases.session_number,
        ranked_purchases.owner_id,
        ranked_purchases.event_at,
        ranked_purchases.event_rank,
        cast(coalesce(
            ranked_purchases.order_value,
            case when item_totals.currency_count <= 1 then item_totals.item_value end
        ) as decimal(38, 4)) as order_value,
        coalesce(
            case when ranked_purchases.order_value is not null then ranked_purchases.currency end,
            case when item_totals.currency_count = 1 then item_totals.currency end
        ) as currency
    from ranked_purchases
    inner join item_totals on ranked_purchases.order_key = item_totals.order_key
    where ranked_purchases.purchase_rank = 1

)

select * from final
where {{ is_in_this_run(ref('visitors_this_run'), ['visitor_id']) }}
