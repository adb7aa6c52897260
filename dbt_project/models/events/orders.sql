-- Orders, each at its first purchase row.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'visitors_this_run': ['visitor_id']}}) }}

{% set columns = [
    'source', 'event_id', 'visitor_id', 'owner_id', 'event_at', 'event_rank', 'event_number', 'session_number',
    'order_id', 'order_value', 'quantity', 'price', 'currency',
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
        case
            when order_id is not null then 'id' || chr(31) || order_id
            else 'at' || chr(31) || visitor_id || chr(31) || cast({{ epoch_us('event_at') }} as string)
        end as order_key
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

-- A source with a row for each item gives one order in several rows of one visitor and time. A quantity below 0 buys
-- nothing.
totals as (

    select
        order_key,
        max(case when purchase_rank = 1 then order_value end) as stated_value,
        max(case when purchase_rank = 1 then currency end) as stated_currency,
        sum(cast(greatest(coalesce(quantity, 1), 0) as bigint) * price) as row_value,
        max(case when price is not null then currency end) as row_currency,
        count(distinct case when price is not null then coalesce(currency, '') end) as row_currency_count
    from ranked_purchases
    where
        visitor_id = first_visitor_id
        and event_at = first_event_at
    group by 1

),

-- Money of two currencies is not added: such an order has no value of its own.
valued as (

    select
        order_key,
        cast(coalesce(
            stated_value,
            case when row_currency_count = 1 then row_value end
        ) as decimal(38, 4)) as order_value,
        case
            when stated_value is not null then stated_currency
            when row_currency_count = 1 then row_currency
        end as currency
    from totals

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
        valued.order_value,
        valued.currency
    from ranked_purchases
    inner join valued on ranked_purchases.order_key = valued.order_key
    where ranked_purchases.purchase_rank = 1

)

select * from final
where {{ is_in_this_run(ref('visitors_this_run'), ['visitor_id']) }}
