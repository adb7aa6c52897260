-- Tealium's events: variables of the shop's data layer, those of products in lists that stand beside each other.

with

delivered as (

    select * from {{ source('raw', 'tealium') }}

),

parsed as (

    select
        *,
        coalesce({{ known_id('event_id') }}, md5({{ row_content() }})) as tracked_id,
        {{ json_object('data') }} as event_data
    from delivered

),

spread as (

    select
        *,
        {{ tealium_variable('tealium_event') }} as word,
        coalesce({{ tealium_variable('product_id') }}, {{ tealium_variable('product_sku') }}) as item_ids,
        {{ tealium_variable('product_name') }} as item_names,
        {{ tealium_variable('product_category') }} as item_categories,
        {{ tealium_variable('product_brand') }} as item_brands,
        {{ tealium_variable('product_quantity') }} as quantities,
        coalesce({{ tealium_variable('product_unit_price') }}, {{ tealium_variable('product_price') }}) as prices,
        {{ tealium_variable('product_currency') }} as currencies,
        {{ tealium_variable('product_url') }} as item_urls,
        {{ tealium_variable('product_image_url') }} as image_urls,
        coalesce(dom_url, {{ json_text('event_data', '$.dom.url') }}) as address
    from parsed

),

renamed as (

    select
        'tealium' as source,
        _load_id as load_id,
        _line as line,

        tracked_id as event_id,
        tealium_visitor_id as visitor_id,
        coalesce({{ known_id('customer_id') }}, {{ json_text('event_data', '$.udo.customer_id') }}) as user_id,
        {{ event_time('event_time', 'tealium') }},
        case
            when word = 'view' then 'page_view'
            else {{ event_type('word', is_chosen=true) }}
        end as event_type,

        {{ tealium_variable('order_currency') }} as currency,
        {{ tealium_variable('order_id') }} as order_id,
        {{ tealium_variable('order_total') }} as order_value,

        address as page_url,
        coalesce(dom_referrer, {{ json_text('event_data', '$.dom.referrer') }}) as referrer,
        {{ url_parameter('address', 'utm_source') }} as utm_source,
        {{ url_parameter('address', 'utm_medium') }} as utm_medium,
        {{ url_parameter('address', 'utm_campaign') }} as utm_campaign,
        coalesce(lower(device_type), {{ device_of('useragent') }}) as device_type,
        {{ tealium_variable('country_code') }} as country,
        {{ json_zipped({
            'item_id': 'item_ids', 'item_name': 'item_names', 'item_category': 'item_categories',
            'item_brand': 'item_brands', 'quantity': 'quantities', 'price': 'prices', 'currency': 'currencies',
            'item_url': 'item_urls', 'image_url': 'image_urls',
        }) }} as items,
        {{ null_fields('item_id', 'item_category', 'item_brand', 'quantity', 'price') }}
    from spread

)

select * from renamed
