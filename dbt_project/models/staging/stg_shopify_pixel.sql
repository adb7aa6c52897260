-- Shopify's customer events: the product is in the page's address or in the JSON of the event.
-- The hashed e-mail in that JSON is left where it is: a hash of an address is the address to whoever holds the list.

with

delivered as (

    select * from {{ source('raw', 'shopify_pixel') }}

),

parsed as (

    select
        *,
        md5({{ row_content() }}) as event_id,
        {{ json_object('event_data') }} as event_json,
        {{ url_product('page_url') }} as page_product
    from delivered

),

renamed as (

    select
        'shopify_pixel' as source,
        _load_id as load_id,
        _line as line,

        event_id,
        client_id as visitor_id,
        cast(null as string) as user_id,
        {{ event_time('timestamp', 'shopify_pixel') }},
        case
            when event_name = 'page_viewed' and page_product is not null then 'view_item'
            when event_name = 'page_viewed' then 'page_view'
            when event_name = 'product_viewed' then 'view_item'
            when event_name = 'collection_viewed' then 'view_item_list'
            when event_name = 'search_submitted' then 'search'
            when event_name = 'product_added_to_cart' then 'add_to_cart'
            when event_name = 'product_removed_from_cart' then 'remove_from_cart'
            when event_name = 'cart_viewed' then 'view_cart'
            when event_name = 'checkout_started' then 'begin_checkout'
            when event_name = 'checkout_shipping_info_submitted' then 'add_shipping_info'
            when event_name = 'payment_info_submitted' then 'add_payment_info'
            when event_name = 'checkout_completed' then 'purchase'
            else event_name
        end as event_type,

        coalesce({{ json_text('event_json', '$.items[0].item_id') }}, page_product) as item_id,
        {{ json_text('event_json', '$.items[0].item_category') }} as item_category,
        {{ json_text('event_json', '$.items[0].item_brand') }} as item_brand,
        {{ json_text('event_json', '$.items[0].quantity') }} as quantity,
        {{ json_text('event_json', '$.items[0].item_price') }} as price,
        coalesce(
            {{ json_text('event_json', '$.currency') }}, {{ json_text('event_json', '$.checkout.currencyCode') }}
        ) as currency,

        coalesce(
            {{ json_text('event_json', '$.transaction_id') }}, {{ json_text('event_json', '$.checkout.order.id') }}
        ) as order_id,
        coalesce(
            {{ json_text('event_json', '$.revenue') }}, {{ json_text('event_json', '$.checkout.totalPrice.amount') }}
        ) as order_value,

        page_url,
        referrer,
        {{ url_parameter('page_url', 'utm_source') }} as utm_source,
        {{ url_parameter('page_url', 'utm_medium') }} as utm_medium,
        {{ url_parameter('page_url', 'utm_campaign') }} as utm_campaign,
        {{ device_of('user_agent') }} as device_type,
        cast(null as string) as country,
        coalesce(
            {{ json_text('event_json', '$.items') }}, {{ json_text('event_json', '$.checkout.lineItems') }}
        ) as items
    from parsed

)

select * from renamed
