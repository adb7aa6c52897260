-- Shopify's customer events: the product is in the page's address or in the JSON of the event.
-- An item is a variant, by its SKU or else its id, in the pixel's own list, the line of a cart, the line items of a
-- checkout and the variant that was viewed alike; its product's id is not read, as a product has several variants and
-- prices. An event that names none has the product in the page's address.
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

-- Events about one item: the line that a cart gained or lost, or the variant viewed.
named as (

    select
        *,
        coalesce(
            nullif({{ json_text('event_json', '$.cartLine.merchandise.sku') }}, ''),
            nullif({{ json_text('event_json', '$.cartLine.merchandise.id') }}, '')
        ) as line_item,
        coalesce(
            nullif({{ json_text('event_json', '$.productVariant.sku') }}, ''),
            nullif({{ json_text('event_json', '$.productVariant.id') }}, '')
        ) as viewed_item
    from parsed

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
        event_name as event_type,

        -- a page view has the item of its page by the rules of addresses
        coalesce(
            {{ json_text('event_json', '$.items[0].item_id') }}, line_item, viewed_item,
            case when event_name != 'page_viewed' then page_product end
        ) as item_id,
        coalesce(
            {{ json_text('event_json', '$.items[0].item_category') }},
            {{ json_text('event_json', '$.cartLine.merchandise.product.type') }},
            {{ json_text('event_json', '$.productVariant.product.type') }}
        ) as item_category,
        coalesce(
            {{ json_text('event_json', '$.items[0].item_brand') }},
            {{ json_text('event_json', '$.cartLine.merchandise.product.vendor') }},
            {{ json_text('event_json', '$.productVariant.product.vendor') }}
        ) as item_brand,
        coalesce(
            {{ json_text('event_json', '$.items[0].quantity') }}, {{ json_text('event_json', '$.cartLine.quantity') }}
        ) as quantity,
        -- of one unit; cost.totalAmount is the whole line's
        coalesce(
            {{ json_text('event_json', '$.items[0].item_price') }},
            {{ json_text('event_json', '$.cartLine.merchandise.price.amount') }},
            {{ json_text('event_json', '$.productVariant.price.amount') }}
        ) as price,
        coalesce(
            {{ json_text('event_json', '$.currency') }},
            {{ json_text('event_json', '$.checkout.currencyCode') }},
            {{ json_text('event_json', '$.cartLine.merchandise.price.currencyCode') }},
            {{ json_text('event_json', '$.cartLine.cost.totalAmount.currencyCode') }},
            {{ json_text('event_json', '$.productVariant.price.currencyCode') }}
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
        -- a list of one only where it names the item, as the page's address may do so else
        {{ first_full_list([
            json_text('event_json', '$.items'),
            json_text('event_json', '$.checkout.lineItems'),
            "case when line_item is not null then '[' || " ~ json_text('event_json', '$.cartLine') ~ " || ']' end",
            "case when viewed_item is not null then '[{\"variant\":' || "
            ~ json_text('event_json', '$.productVariant') ~ " || '}]' end",
        ]) }} as items
    from named

)

select * from renamed
