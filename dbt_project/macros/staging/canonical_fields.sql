{#- What belongs here: what every source is brought to. -#}

{#- The text fields that every staging model passes on, in the order in which they are declared. -#}
{%- macro canonical_fields() -%}
{{ return([
    'event_id', 'visitor_id', 'user_id', 'event_at', 'event_type', 'item_id', 'item_category', 'item_brand',
    'quantity', 'price', 'currency', 'order_id', 'order_value', 'page_url', 'referrer', 'utm_source', 'utm_medium',
    'utm_campaign', 'device_type', 'country',
]) }}
{%- endmacro -%}
