{#-
    What belongs here: reading events whose properties a shop named itself, as Amplitude and Mixpanel have them: the common
    spellings, most of them Segment's and GA4's. Not here: words for what happened (`rules/event_types`).
-#}

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

{#- One field out of `shop_texts`: the first that has a value. -#}
{%- macro shop_property(texts, wanted) -%}
{%- set place = namespace(next=0) -%}
{%- set found = [] -%}
{%- for field, names in shop_properties().items() -%}
    {%- for name in names -%}
        {%- if field == wanted -%}
            {%- do found.append(listed_text(texts, place.next)) -%}
        {%- endif -%}
        {%- set place.next = place.next + 1 -%}
    {%- endfor -%}
{%- endfor -%}
{%- if wanted == 'items' -%}
{{ shop_items(found) }}
{%- else -%}
coalesce(
    {%- for text in found %}
    nullif({{ text }}, ''),
    {%- endfor %}
    null
)
{%- endif -%}
{%- endmacro -%}

{#-
    The items of an event, out of the texts that may be their list: the first list that is not empty. A list of ids is one
    of items that have nothing but an id. Where there is none, what else is said is passed on to be noted, but a whole
    number is not: a shop may as well count its items under that name.
-#}
{%- macro shop_items(texts) -%}
{%- set lists, others = [], [] -%}
{%- for text in texts -%}
    {%- do lists.append(
        "case when " ~ has_pattern(text, '^[[] *["0-9]') ~ " then " ~ json_zipped({'item_id': text})
        ~ " when " ~ text ~ " like '[%' then " ~ text ~ " end"
    ) -%}
    {%- do others.append(
        "case when " ~ text ~ " not like '[%' and not " ~ has_pattern(text, '^ *[0-9]*([.]0*)? *$') ~ " then " ~ text ~ " end"
    ) -%}
{%- endfor -%}
{{ first_full_list(lists + others) }}
{%- endmacro -%}
