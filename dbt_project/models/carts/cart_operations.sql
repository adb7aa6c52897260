-- Every add, remove and order that meets an open cart, with the cart as it stands after it.
--
-- A line's quantity is a running sum that never falls below nothing: S - min(0, min S so far). What empties all lines
-- at once (an order, a removal of everything, 30 days untouched) resets the cart, what takes a whole line resets that
-- line; between two resets plain window sums hold (gaps and islands), so no recursion is needed.
--
-- An event of several items is several operations at its instant. Whether a cart is empty is asked between instants,
-- not within one: its id is that of its visitor and start.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'visitors_this_run': ['visitor_id']}}) }}

with

-- The events that can change a cart.
touching_events as (

    select
        row_key,
        visitor_id,
        owner_id,
        event_type,
        counted_as,
        event_at,
        event_rank,
        event_id,
        source,
        event_number,
        item_id,
        item_category,
        quantity,
        price,
        currency
    from {{ this_run_or_all(ref('log_this_run'), ref('events')) }}
    where event_type in ('add_to_cart', 'remove_from_cart')

),

-- Each with a row an item.
event_items as (

    {{ items_of('touching_events', [
        'visitor_id', 'owner_id', 'event_type', 'counted_as', 'event_at', 'event_rank', 'event_id', 'source',
        'event_number',
    ], described=['item_category']) }}

),

-- Adds and removes of items; one of no unit does nothing.
items as (

    select
        *,
        {{ item_counted_as('event_type', 'quantity') | indent(8) }} = 'remove_from_cart' as is_removal,
        counted_as = 'add_to_cart' as is_add_event
    from event_items
    where {{ has_units('quantity') }}

),

-- The orders of the same visitors, also those of the same person elsewhere.
visitor_orders as (

    select * from {{ ref('visitor_orders') }}
    where {{ is_in_this_run(ref('visitors_this_run'), ['visitor_id']) }}

),

-- Adds, removes and orders in one list.
operations as (

    select
        case when is_removal then 'remove' else 'add' end as operation,
        true as is_touch,
        false as is_order,
        event_type = 'remove_from_cart' and item_id is null as is_removal_of_all,
        event_type = 'remove_from_cart' and item_id is not null and quantity is null as is_removal_of_line,
        visitor_id,
        owner_id,
        cast(null as string) as order_key,
        coalesce(item_id, '(unknown)') as line_item_id,
        item_category,
        abs(quantity) as quantity,
        price,
        currency,
        event_at,
        event_rank,
        event_id,
        source,
        event_number,
        item_number,
        is_add_event
    from items

    union all

    select
        case when is_elsewhere then 'order_elsewhere' else 'order' end as operation,
        false as is_touch,
        true as is_order,
        false as is_removal_of_all,
        false as is_removal_of_line,
        visitor_id,
        owner_id,
        order_key,
        null as line_item_id,
        null as item_category,
        null as quantity,
        null as price,
        null as currency,
        event_at,
        event_rank,
        event_id,
        source,
        null as event_number,
        1 as item_number,
        false as is_add_event
    from visitor_orders

),

-- The place of each among its visitor's, and when the visitor touched a cart last before it.
numbered as (

    select
        *,
        row_number() over (
            partition by visitor_id
            order by {{ event_order() }}, item_number
        ) as operation_number,
        max(case when is_touch then event_at end) over (
            partition by visitor_id
            order by {{ event_order() }}, item_number
            rows between unbounded preceding and 1 preceding
        ) as previous_touched_at
    from operations

),

-- How often all lines were emptied at once before each: by expiry, and by orders and removals of everything.
clearings_counted as (

    select
        *,
        sum(cast(
            event_at > {{ cart_expires_at('previous_touched_at') }} as integer
        )) over (
            partition by visitor_id
            order by operation_number
            rows between unbounded preceding and current row
        ) as expiry_count,
        sum(cast(is_order or is_removal_of_all as integer)) over (
            partition by visitor_id
            order by operation_number
            rows between unbounded preceding and 1 preceding
        ) as clearing_count
    from numbered

),

-- How often the cart, and then the line, was reset before each.
resets_counted as (

    select
        {{ all_except(['expiry_count', 'clearing_count']) }},
        coalesce(expiry_count, 0) + coalesce(clearing_count, 0) as reset_count,
        coalesce(sum(cast(is_removal_of_line as integer)) over (
            partition by
                visitor_id, coalesce(expiry_count, 0) + coalesce(clearing_count, 0), line_item_id
            order by operation_number
            rows between unbounded preceding and 1 preceding
        ), 0) as line_reset_count
    from clearings_counted

),

-- Units added less units removed: S.
quantities_summed as (

    select
        *,
        sum(case
            when operation = 'add' then cast(coalesce(quantity, 1) as bigint)
            when operation = 'remove' and not is_removal_of_line then -cast(quantity as bigint)
        end) over since_line_reset as quantity_sum
    from resets_counted
    window since_line_reset as (
        partition by visitor_id, reset_count, line_item_id, line_reset_count
        order by operation_number
        rows between unbounded preceding and current row
    )

),

-- Units of the line after the operation: S - min(0, min S so far).
line_quantities as (

    select
        *,
        case
            when is_touch and not is_removal_of_all and not is_removal_of_line
                then quantity_sum - least(0, min(quantity_sum) over since_line_reset)
            else 0
        end as line_quantity
    from quantities_summed
    window since_line_reset as (
        partition by visitor_id, reset_count, line_item_id, line_reset_count
        order by operation_number
        rows between unbounded preceding and current row
    )

),

-- And before it.
line_quantities_before as (

    select
        *,
        coalesce(lag(line_quantity) over line_order, 0) as line_quantity_before
    from line_quantities
    window line_order as (
        partition by visitor_id, reset_count, line_item_id
        order by operation_number
    )

),

-- A line that was removed and added again is a new one, which does not take over the price: its number.
lines_numbered as (

    select
        *,
        sum(cast(operation = 'add' and line_quantity_before = 0 as integer)) over (
            partition by visitor_id, reset_count, line_item_id
            order by operation_number
            rows between unbounded preceding and current row
        ) as line_number
    from line_quantities_before

),

-- The price of the line: that of its last add with a price, and its currency.
lines_priced as (

    select
        *,
        {{ last_not_null("case when operation = 'add' then price end") }} over numbered_line_so_far as line_price,
        nullif({{ last_not_null("case when operation = 'add' and price is not null then coalesce(currency, '') end") }}
            over numbered_line_so_far, '') as line_currency
    from lines_numbered
    window numbered_line_so_far as (
        partition by visitor_id, reset_count, line_item_id, line_number
        order by operation_number
        rows between unbounded preceding and current row
    )

),

-- By how much the operation changes the cart: units, lines, value and lines with a price.
changes as (

    select
        *,
        line_quantity - line_quantity_before as quantity_change,
        cast(line_quantity > 0 as integer) - cast(line_quantity_before > 0 as integer) as line_change,
        line_quantity * coalesce(line_price, 0)
        - line_quantity_before * coalesce(lag(line_price) over line_order, 0) as value_change,
        cast(line_quantity > 0 and line_price is not null as integer)
        - coalesce(lag(cast(line_quantity > 0 and line_price is not null as integer)) over line_order, 0)
            as priced_line_change
    from lines_priced
    window line_order as (
        partition by visitor_id, reset_count, line_item_id
        order by operation_number
    )

),

-- The cart after the operation, as sums of the changes since its reset; and its units before.
cart_totals as (

    select
        *,
        case when is_order or is_removal_of_all then 0 else sum(quantity_change) over since_reset end
            as cart_quantity,
        case when is_order or is_removal_of_all then 0 else sum(line_change) over since_reset end
            as cart_line_count,
        case when is_order or is_removal_of_all then 0 else sum(value_change) over since_reset end
            as cart_priced_value,
        case when is_order or is_removal_of_all then 0 else sum(priced_line_change) over since_reset end
            as cart_priced_line_count,
        coalesce(sum(quantity_change) over (
            partition by visitor_id, reset_count
            order by operation_number
            rows between unbounded preceding and 1 preceding
        ), 0) as cart_quantity_before
    from changes
    window since_reset as (
        partition by visitor_id, reset_count
        order by operation_number
        rows between unbounded preceding and current row
    )

),

-- What meets no open cart does nothing: removals from an empty one, orders without one.
effective_operations as (

    select
        *,
        operation = 'add'
        and cart_quantity_before = 0
        and coalesce(event_at > lag(event_at) over visitor_order, true) as is_cart_start,
        is_touch
        and cart_quantity = 0
        and coalesce(event_at < lead(event_at) over visitor_order, true) as is_emptying,
        -- the last of the operations of one event
        coalesce(event_number != lead(event_number) over visitor_order, true) as is_event_end
    from cart_totals
    where
        cart_quantity_before > 0
        or operation = 'add'
    window visitor_order as (
        partition by visitor_id
        order by operation_number
    )

),

-- The start of the cart that each belongs to.
carts_started as (

    select
        *,
        max(case when is_cart_start then event_at end) over (
            partition by visitor_id
            order by operation_number
            rows between unbounded preceding and current row
        ) as cart_started_at
    from effective_operations

),

-- The columns of the model, with the adds and removes of the cart so far.
final as (

    select
        {{ started_id('cart', 'visitor_id', 'cart_started_at') }} as cart_id,
        visitor_id,
        owner_id,
        cart_started_at,
        operation_number,
        operation,
        is_touch,
        is_order,
        is_emptying,
        order_key,
        event_at,
        event_rank,
        event_id,
        source,
        line_item_id,
        item_category,
        line_quantity,
        line_price,
        line_currency,
        cast(cart_quantity as bigint) as cart_quantity,
        cast(cart_line_count as bigint) as cart_line_count,
        cast(case
            when cart_line_count = 0 then 0
            when cart_priced_line_count > 0 then cart_priced_value
        end as decimal(38, 4)) as cart_value,
        cart_priced_line_count = cart_line_count as are_all_lines_priced,
        is_event_end,
        is_add_event,
        sum(cast(is_touch and is_event_end and is_add_event as integer)) over cart_so_far as cart_add_count,
        sum(cast(is_touch and is_event_end and not is_add_event as integer)) over cart_so_far as cart_remove_count
    from carts_started
    window cart_so_far as (
        partition by visitor_id, cart_started_at
        order by operation_number
        rows between unbounded preceding and current row
    )

)

select * from final
