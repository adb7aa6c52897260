-- Items that are in the same orders more often than chance has it, as of the hour.

{{ config(materialized='rebuilt') }}

with

recent_orders as (

    select order_key
    from {{ ref('orders') }}
    where
        ordered_at > {{ as_of() }} - interval '{{ bought_together().days }}' day
        and ordered_at <= {{ as_of() }}

),

order_items as (

    select distinct
        bought.order_key,
        bought.item_id
    from {{ ref('order_items') }} as bought
    inner join recent_orders on bought.order_key = recent_orders.order_key
    where
        bought.item_id != '(unknown)'
        and {{ counts_as_bought('bought') }}

),

-- An order of a thousand items is of a trader, and would be a million pairs.
sized_orders as (

    select
        order_key,
        item_id,
        count(*) over (partition by order_key) as order_size
    from order_items

),

kept_items as (

    select
        order_key,
        item_id
    from sized_orders
    where order_size <= {{ bought_together().max_items }}

),

order_count as (

    select cast(count(distinct order_key) as double) as orders
    from kept_items

),

item_orders as (

    select
        item_id,
        cast(count(*) as double) as orders
    from kept_items
    group by 1
    having count(*) >= {{ bought_together().min_orders }}

),

-- An item in too few orders is in no pair: the pairs are of the others.
paired_items as (

    select
        kept_items.order_key,
        kept_items.item_id
    from kept_items
    inner join item_orders on kept_items.item_id = item_orders.item_id

),

pairs as (

    select
        one.item_id,
        other.item_id as other_item_id,
        count(*) as orders_together
    from paired_items as one
    inner join paired_items as other on one.order_key = other.order_key
    where one.item_id != other.item_id
    group by 1, 2
    having count(*) >= {{ bought_together().min_orders }}

),

measured as (

    select
        pairs.item_id,
        pairs.other_item_id,
        pairs.orders_together,
        pairs.orders_together / order_count.orders as support,
        pairs.orders_together / of_item.orders as confidence,
        pairs.orders_together * order_count.orders / (of_item.orders * of_other.orders) as lift,
        {{ wilson_lower_bound('pairs.orders_together', 'of_item.orders') }} as confidence_at_least
    from pairs
    inner join item_orders as of_item on pairs.item_id = of_item.item_id
    inner join item_orders as of_other on pairs.other_item_id = of_other.item_id
    cross join order_count

),

ranked as (

    select
        *,
        row_number() over (
            partition by item_id
            order by confidence_at_least desc, orders_together desc, other_item_id asc
        ) as other_rank
    from measured
    where lift > 1

),

final as (

    select
        item_id,
        other_item_id,
        other_rank,
        orders_together,
        support,
        confidence,
        lift
    from ranked
    where other_rank <= {{ bought_together().best }}

)

select * from final
