-- The lines of each cart as it stood last; of a converted one, as it stood when bought.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'visitors_this_run': ['visitor_id']}}) }}

with

operations as (

    select * from {{ ref('cart_operations') }}
    where {{ is_in_this_run(ref('visitors_this_run'), ['visitor_id']) }}

),

last_touches as (

    select
        cart_id,
        visitor_id,
        line_item_id,
        line_quantity,
        line_price,
        line_currency,
        row_number() over (
            partition by cart_id, line_item_id
            order by operation_number desc
        ) as newest_first
    from operations
    where is_touch

),

emptied as (

    select cart_id
    from operations
    where is_emptying

),

final as (

    select
        last_touches.cart_id,
        last_touches.visitor_id,
        last_touches.line_item_id as item_id,
        cast(last_touches.line_quantity as bigint) as quantity,
        last_touches.line_price as unit_price,
        last_touches.line_currency as currency
    from last_touches
    left join emptied on last_touches.cart_id = emptied.cart_id
    where
        last_touches.newest_first = 1
        and last_touches.line_quantity > 0
        and emptied.cart_id is null

)

select * from final
