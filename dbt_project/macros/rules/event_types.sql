{#-
    What belongs here: which words for what happened are known. Not here: what each does to a session or a cart.
-#}

{#- The types that mean something, GA4's words and those that the shop set as passive, as a list in SQL. -#}
{%- macro known_event_types() -%}
{%- set types = [
    'page_view', 'view_item', 'view_item_list', 'search', 'add_to_wishlist', 'add_to_cart', 'remove_from_cart',
    'view_cart', 'begin_checkout', 'add_shipping_info', 'add_payment_info', 'purchase', 'refund', 'login', 'sign_up',
] -%}
{%- for type in types + (var('passive_event_types') | list) -%}
'{{ type | replace("'", "''") }}'{{ ', ' if not loop.last }}
{%- endfor -%}
{%- endmacro -%}
