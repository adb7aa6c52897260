{#-
    What belongs here: reading events whose names and properties a shop chose itself, as Amplitude and Mixpanel have them:
    the common spellings, most of them Segment's and GA4's. Not here: which types mean something (`rules/event_types`).
-#}

{#- GA4's word for a common name of what happened, whatever its case, blanks and dashes; any other name as it is. -#}
{%- macro common_event_type(name) -%}
{%- set words = {
    'page_view': ['page_viewed', 'viewed_page', 'page', 'loaded_a_page', 'viewed_a_page', '[amplitude]_page_viewed',
        '$mp_web_page_view'],
    'view_item': ['product_viewed', 'viewed_product', 'view_product', 'product_view', 'item_viewed', 'viewed_item'],
    'view_item_list': ['product_list_viewed', 'category_viewed', 'category_view', 'collection_viewed'],
    'search': ['products_searched', 'product_searched', 'searched', 'search_submitted'],
    'add_to_wishlist': ['product_added_to_wishlist', 'added_to_wishlist', 'wishlist_add'],
    'add_to_cart': ['product_added', 'added_product', 'added_to_cart', 'product_added_to_cart', 'item_added',
        'item_added_to_cart', 'cart_add'],
    'remove_from_cart': ['product_removed', 'removed_product', 'removed_from_cart', 'product_removed_from_cart',
        'item_removed', 'item_removed_from_cart', 'cart_remove', 'cart_empty'],
    'view_cart': ['cart_viewed', 'viewed_cart', 'cart_view'],
    'begin_checkout': ['checkout_started', 'started_checkout', 'checkout', 'initiate_checkout', 'initiated_checkout',
        'start_checkout'],
    'add_shipping_info': ['shipping_info_entered', 'checkout_shipping_info_submitted'],
    'add_payment_info': ['payment_info_entered', 'payment_info_submitted'],
    'purchase': ['order_completed', 'completed_order', 'purchased', 'purchase_completed', 'completed_purchase',
        'checkout_completed', 'order_placed', 'placed_order'],
    'refund': ['order_refunded', 'refunded_order', 'order_refund'],
    'login': ['logged_in', 'log_in', 'signed_in', 'sign_in', 'user_login'],
    'sign_up': ['signed_up', 'signup', 'account_created', 'user_register', 'registered'],
} -%}
case replace(replace(lower(trim({{ name }})), ' ', '_'), '-', '_')
    {% for type, others in words.items() -%}
        {% for word in [type] + others -%}
            when '{{ word }}' then '{{ type }}'
        {% endfor -%}
    {% endfor -%}
    else {{ name }}
end
{%- endmacro -%}

{#- Common names of what an event says of its item, order and page, by our field; the first that has a value counts. -#}
{%- macro shop_properties() -%}
{{ return({
    'item_id': ['product_id', 'productId', '$productId', 'item_id', 'sku', 'Product ID', 'Item ID', 'SKU'],
    'item_category': ['category', 'product_category', 'item_category', 'Category', 'Product Category'],
    'item_brand': ['brand', 'product_brand', 'item_brand', 'Brand'],
    'quantity': ['quantity', '$quantity', 'qty', 'Quantity'],
    'price': ['price', '$price', 'unit_price', 'item_price', 'Price'],
    'currency': ['currency', '$currency', 'currency_code', 'Currency'],
    'order_id': ['order_id', 'orderId', 'transaction_id', 'transactionId', 'Order ID', 'Transaction ID'],
    'order_value': ['revenue', '$revenue', 'total', 'order_total', 'value', 'Revenue', 'Total', 'Order Total'],
    'items': ['products', 'items', 'line_items', '$products', 'Products', 'Items'],
    'page_url': ['[Amplitude] Page Location', '[Amplitude] Page URL', '$current_url', 'current_url', 'page_location',
        'page_url', 'url'],
    'referrer': ['$referrer', 'referrer', 'page_referrer'],
    'utm_source': ['utm_source'],
    'utm_medium': ['utm_medium'],
    'utm_campaign': ['utm_campaign'],
}) }}
{%- endmacro -%}

{#- The texts of all of them, read at once, whatever is then asked for. -#}
{%- macro shop_texts(json) -%}
{%- set paths = [] -%}
{%- for name in shop_properties().values() | sum(start=[]) -%}
    {%- do paths.append('$."' ~ name ~ '"') -%}
{%- endfor -%}
{{ json_texts(json, paths) }}
{%- endmacro -%}

{#- One field out of `shop_texts`. Of lists only lists: a shop may as well count its items under that name. -#}
{%- macro shop_property(texts, wanted) -%}
{%- set place = namespace(next=0) -%}
coalesce(
    {%- for field, names in shop_properties().items() -%}
        {%- for name in names -%}
            {%- set text = listed_text(texts, place.next) -%}
            {%- set place.next = place.next + 1 -%}
            {%- if field == wanted and field == 'items' %}
    case when {{ text }} like '[%' then {{ text }} end,
            {%- elif field == wanted %}
    nullif({{ text }}, ''),
            {%- endif -%}
        {%- endfor -%}
    {%- endfor %}
    null
)
{%- endmacro -%}
