-- The money that is in no sum because a rate of exchange is lacking.

{{ config(materialized='rebuilt') }}

with

carts as (

    select
        cart_id,
        cast(started_at as date) as day
    from {{ ref('carts') }}
    where cart_value_base is null

),

orders as (

    select
        order_key,
        cast(event_at as date) as day
    from {{ ref('order_values') }}
    where order_value_base is null

),

amounts as (

    select
        carts.day,
        'cart' as kind,
        lines.currency,
        carts.cart_id as counted_id,
        lines.quantity * lines.unit_price as amount
    from {{ ref('cart_lines') }} as lines
    inner join carts on lines.cart_id = carts.cart_id
    where lines.unit_price is not null

    union all

    select
        orders.day,
        'order' as kind,
        amounts.currency,
        orders.order_key as counted_id,
        amounts.amount
    from {{ ref('order_amounts') }} as amounts
    inner join orders on amounts.order_key = orders.order_key

),

final as (

    select
        day,
        kind,
        currency,
        count(distinct counted_id) as amount_count,
        cast(sum(amount) as decimal(38, 4)) as amount
    from amounts
    group by day, kind, currency

)

select * from final
