{#-
    What belongs here: whether an event, or an item of one, puts into a cart, takes out of it, or does neither. Not here:
    what a cart then holds (models/carts/cart_operations.sql), or which items an event has (items.sql).
-#}

{#- Whether a quantity adds any unit: one that is not given is 1. -#}
{%- macro adds_units(quantity) -%}
coalesce({{ quantity }} > 0, true)
{%- endmacro -%}

{#- Whether a quantity is of any unit at all. -#}
{%- macro has_units(quantity) -%}
coalesce({{ quantity }} != 0, true)
{%- endmacro -%}

{#-
    The type that an event, or an item of one, counts as: an add of less than nothing is a removal, an add or a removal of
    no unit is nothing but activity (null); every other type is what it is.

    adds, is_any: whether any unit is added, or any quantity is of a unit; of an event whether that is so of any item.
-#}
{%- macro counted_as(event_type, adds, is_any) -%}
case
    when {{ event_type }} not in ('add_to_cart', 'remove_from_cart') then {{ event_type }}
    when {{ event_type }} = 'add_to_cart' and {{ adds }} then 'add_to_cart'
    when {{ is_any }} then 'remove_from_cart'
end
{%- endmacro -%}

{#- The same of one item. -#}
{%- macro item_counted_as(event_type, quantity) -%}
{{ counted_as(event_type, adds_units(quantity), has_units(quantity)) }}
{%- endmacro -%}
