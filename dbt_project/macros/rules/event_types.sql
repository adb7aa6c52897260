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

{#-
    GA4's word for one of the e-commerce vocabulary that Segment and RudderStack share (Product Added, Order Completed; its
    first version said Added Product, Completed Order), whatever its case, blanks, - and _. Any other is passed on.
    https://segment.com/docs/connections/spec/ecommerce/v2/, https://www.rudderstack.com/docs/event-spec/ecommerce-events-spec/
-#}
{%- macro ecommerce_event_type(word) -%}
{%- set words = {
    'search': ['productssearched'],
    'view_item_list': ['productlistviewed', 'productlistfiltered', 'viewedproductcategory'],
    'view_item': ['productviewed', 'viewedproduct'],
    'add_to_wishlist': ['productaddedtowishlist'],
    'add_to_cart': ['productadded', 'addedproduct', 'wishlistproductaddedtocart'],
    'remove_from_cart': ['productremoved', 'removedproduct'],
    'view_cart': ['cartviewed'],
    'begin_checkout': ['checkoutstarted'],
    'add_shipping_info': ['shippinginfoentered', 'checkoutshippinginfosubmitted'],
    'add_payment_info': ['paymentinfoentered', 'paymentinfosubmitted'],
    'purchase': ['ordercompleted', 'completedorder'],
    'refund': ['orderrefunded', 'refundedorder'],
    'login': ['signedin', 'loggedin'],
    'sign_up': ['signedup'],
} -%}
case lower(replace(replace(replace({{ word }}, ' ', ''), '_', ''), '-', ''))
    {% for type, names in words.items() -%}
        {% for name in [type | replace('_', '')] + names if name != type -%}
    when '{{ name }}' then '{{ type }}'
        {% endfor -%}
    {% endfor -%}
    else {{ word }}
end
{%- endmacro -%}
