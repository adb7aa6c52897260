{#-
    What belongs here: what makes purchases one order, which of their items are its lines, how many units of an item
    they buy, which items count as bought, what an order is worth, and what is bought together. Not here: which orders
    there are and whose (models/carts/visitor_orders.sql, models/events/order_events.sql), or the rates (money.sql).
-#}

{#- Purchases with one order_id are one order; without one those of a visitor at one time are. -#}
{%- macro order_key() -%}
md5(case
    when order_id is not null then 'id' || chr(31) || order_id
    else 'at' || chr(31) || visitor_id || chr(31) || cast({{ epoch_us('event_at') }} as string)
end)
{%- endmacro -%}

{#-
    Adds CTEs, the last of which is `order_items`: the items of the rows of each order, in `first_purchases`. A source
    with a row for each item gives an order in several; one that tells an order twice says the same of an item again.
    As often as one row says it, it was bought so. Without an order_id nothing says that a row is told again.

    The same is: the item, the units that are bought, price and currency. No currency is one of its own.
-#}
{%- macro items_of_orders(columns=[], described=[]) -%}
delivered_items as (

    {{ items_of('first_purchases', ['order_key', 'order_id', 'event_number'] + columns, described=described) }}

),

numbered_items as (

    select
        *,
        row_number() over (
            partition by order_key, event_number, item_id, {{ bought_units('quantity') }}, price, currency
            order by item_number
        ) as place_in_event
    from delivered_items

),

items_by_telling as (

    select
        *,
        -- what names nothing tells nothing again
        row_number() over (
            partition by order_key, item_id, {{ bought_units('quantity') }}, price, currency, place_in_event
            order by cast({{ names_what_was_bought() }} as integer) desc, event_number
        ) as telling_number
    from numbered_items

),

order_items as (

    select * from items_by_telling
    where
        telling_number = 1
        or order_id is null

)
{%- endmacro -%}

{#- A purchase that names no item, no price and no quantity says nothing of what was bought. -#}
{%- macro names_what_was_bought() -%}
(is_listed or item_id is not null or price is not null or quantity is not null)
{%- endmacro -%}

{#- A quantity below 0 buys nothing, one that is not given buys one. -#}
{%- macro bought_units(quantity) -%}
cast(greatest(coalesce({{ quantity }}, 1), 0) as bigint)
{%- endmacro -%}

{#- Which rows of order_items count: what a purchase names, and if the shop wants it so what only lay in the cart. -#}
{%- macro counts_as_bought(order_items) -%}
{{ 'true' if var('items_from_carts') else order_items ~ '.cart_id is null' }}
{%- endmacro -%}

{#-
    Adds CTEs, the last of which is `name`: what each order is worth in the reporting currency at its time, null where a
    rate is lacking. What is in one currency is exchanged as a whole.

    condition: which rows of order_amounts count; reporting: as of base_amounts.
-#}
{%- macro order_values_base(name, condition, reporting) -%}
{{ name }}_amounts as (

    select
        order_key,
        event_at as instant,
        currency,
        amount
    from {{ ref('order_amounts') }}
    where {{ condition }}

),

{{ base_amounts(name ~ '_exchanged', name ~ '_amounts', reporting) }},

{{ name }} as (

    select
        order_key,
        {{ base_sum() }} as order_value_base
    from {{ name }}_exchanged
    group by 1

)
{%- endmacro -%}

{#- Which orders and pairs of items say what is bought together, and how many others an item is given. -#}
{%- macro bought_together() -%}
{{ return({'days': 180, 'max_items': 50, 'min_orders': 5, 'best': 10}) }}
{%- endmacro -%}

{#- The lower end of the 95 % interval of a share (Wilson, 1927): a small count promises less. -#}
{%- macro wilson_lower_bound(successes, trials) -%}
{%- set z = 1.959963984540054 -%}
{%- set share = "(" ~ successes ~ " / " ~ trials ~ ")" -%}
(
    {{ share }} + {{ z * z / 2 }} / {{ trials }}
    - {{ z }} * sqrt({{ share }} * (1 - {{ share }}) / {{ trials }} + {{ z * z / 4 }} / ({{ trials }} * {{ trials }}))
) / (1 + {{ z * z }} / {{ trials }})
{%- endmacro -%}
