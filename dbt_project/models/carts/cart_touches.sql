-- Each instant at which a cart was touched, with the cart as it stood from then until the next touch.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'affected_visitors': ['visitor_id']}}) }}

with

touches as (

    select * from {{ ref('cart_operations') }}
    where
        is_touch
        and {{ is_in_this_run(ref('affected_visitors'), ['visitor_id']) }}

),

carts as (

    select * from {{ ref('carts') }}
    where {{ is_in_this_run(ref('affected_visitors'), ['visitor_id']) }}

),

earlier_carts as (

    select
        cart_id,
        status,
        closed_at,
        count(*) over earlier as previous_cart_count,
        count(*) filter (where status = 'converted') over earlier as previous_converted_count
    from carts
    window earlier as (
        partition by visitor_id
        order by started_at
        rows between unbounded preceding and 1 preceding
    )

),

instants as (

    select
        *,
        lead(event_at) over (
            partition by cart_id
            order by operation_number
        ) as next_event_at
    from touches

),

final as (

    select
        instants.cart_id,
        instants.visitor_id,
        instants.operation_number as touch_number,
        instants.cart_started_at,
        instants.event_at as touched_at,
        instants.next_event_at as next_touched_at,
        case when earlier_carts.status != 'expired' then earlier_carts.closed_at end as closed_at,
        instants.cart_quantity,
        instants.cart_line_count,
        instants.are_all_lines_priced,
        instants.cart_add_count,
        instants.cart_remove_count,
        earlier_carts.previous_cart_count,
        earlier_carts.previous_converted_count
    from instants
    inner join earlier_carts on instants.cart_id = earlier_carts.cart_id
    where
        coalesce(instants.next_event_at > instants.event_at, true)
        and not instants.is_emptying

)

select * from final
