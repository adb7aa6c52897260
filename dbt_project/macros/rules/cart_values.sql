{#-
    What belongs here: which lines a cart has at a touch, and what lines are worth together. Not here: what an operation
    does to a line (models/carts/cart_operations.sql), or the rates (money.sql).
-#}

{#-
    Adds a CTE: the lines of carts as they stood from one touch of theirs to the next.

    carts: a relation with the cart_id of those that are asked about.
-#}
{%- macro line_states(name, carts) -%}
{{ name }} as (

    select
        cart_id,
        line_item_id,
        line_quantity as quantity,
        line_price as unit_price,
        line_currency as currency,
        event_at,
        operation_number,
        lead(operation_number) over (
            partition by cart_id, line_item_id
            order by operation_number
        ) as next_operation_number,
        min(case when operation = 'add' then event_at end) over (
            partition by cart_id, line_item_id
        ) as first_added_at
    from {{ ref('cart_operations') }}
    where
        is_touch
        and {{ keys_in(carts, ['cart_id']) }}

)
{%- endmacro -%}

{#- Whether a row of line_states is in the cart after the touch of a number. -#}
{%- macro is_line_after(touch_number, line) -%}
{{ line }}.quantity > 0
        and {{ touch_number }} >= {{ line }}.operation_number
        and {{ touch_number }} < coalesce({{ line }}.next_operation_number, 9223372036854775807)
{%- endmacro -%}

{#-
    Adds CTEs, the last of which is `name`: what lines of carts are worth together, one row per cart and instant with a
    line that has a price. `cart_value` is in the lines' currency, null where there are several; `cart_value_base` in the
    reporting currency at the instant, null where a rate is lacking. The sum of a currency is exchanged, not each price,
    so that it is rounded once.

    lines: a relation with cart_id, instant, quantity, unit_price and currency; reporting: as of base_amounts.
-#}
{%- macro cart_values(name, lines, reporting) -%}
{{ name }}_amounts as (

    select
        cart_id,
        instant,
        currency,
        sum(quantity * unit_price) as amount
    from {{ lines }}
    where unit_price is not null
    group by cart_id, instant, currency

),

{{ base_amounts(name ~ '_exchanged', name ~ '_amounts', reporting) }},

{{ name }} as (

    select
        cart_id,
        instant,
        count(*) as currency_count,
        case when count(*) = 1 then max(currency) end as currency,
        case when count(*) = 1 then cast(max(amount) as decimal(38, 4)) end as cart_value,
        {{ base_sum() }} as cart_value_base,
        count(*) > count(amount_base) as is_rate_lacking
    from {{ name }}_exchanged
    group by cart_id, instant

)
{%- endmacro -%}

{#- What a cart is worth in the reporting currency by a row of cart_values: one without lines nothing. -#}
{%- macro base_value_of(line_count, cart_value_base) -%}
case when {{ line_count }} = 0 then cast(0 as decimal(38, 4)) else {{ cart_value_base }} end
{%- endmacro -%}
