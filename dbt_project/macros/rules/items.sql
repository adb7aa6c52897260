{#-
    What belongs here: which items an event has. Not here: what the items do to a cart or an order (models/carts,
    models/orders), or reading the list (models/events/candidate_items.sql).
-#}

{#-
    The events of a relation with a row for each of their items, in the order of item_number: those of the list that
    was delivered with the event, else the event's own item. `columns` of the event are passed on.

    Of an event of one item an item without a price has the event's, in the event's currency if it has one; without a
    currency an item has the event's.
    `described` are the columns wanted of what items are called and look like.
-#}
{%- macro items_of(events, columns, described=[]) -%}
select
    {% for column in columns -%}
        events.{{ column }},
    {% endfor -%}
    coalesce(listed.item_number, 1) as item_number,
    listed.row_key is not null as is_listed,
    case when listed.row_key is null then events.item_id else listed.item_id end as item_id,
    case when listed.row_key is null then events.quantity else listed.quantity end as quantity,
    case
        when listed.row_key is null then events.price
        when listed.item_count = 1 then coalesce(listed.price, events.price)
        else listed.price
    end as price,
    case
        when listed.row_key is null then events.currency
        -- a price is in the currency of where it stands
        when listed.item_count = 1 and listed.price is null and events.price is not null
            then coalesce(events.currency, listed.currency)
        else coalesce(listed.currency, events.currency)
    end as currency
    {%- for column in described -%}
    ,
    {% if column in ['item_category', 'item_brand'] -%}
        case when listed.row_key is null then events.{{ column }} else listed.{{ column }} end as {{ column }}
    {%- else -%}
        listed.{{ column }}
    {%- endif %}
    {%- endfor %}
from {{ events }} as events
left join {{ ref('candidate_items') }} as listed on events.row_key = listed.row_key
{%- endmacro -%}
