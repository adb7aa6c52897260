-- Amplitude's events: what the shop says of an item or an order is in the properties of the event, under its own names.

with

delivered as (

    select * from {{ source('raw', 'amplitude') }}

),

parsed as (

    select
        *,
        coalesce({{ known_id('insert_id') }}, {{ known_id('uuid') }}, md5({{ row_content() }})) as tracked_id,
        {{ shop_texts(json_object('event_properties')) }} as texts,
        {{ json_object('user_properties') }} as user_json,
        concat_ws(' ', device_type, device_family, os_name) as device
    from delivered

),

renamed as (

    select
        'amplitude' as source,
        _load_id as load_id,
        _line as line,

        tracked_id as event_id,
        device_id as visitor_id,
        user_id,
        {{ event_time('event_time', 'amplitude') }},
        {{ event_type('event_type', is_chosen=true) }} as event_type,

        coalesce({{ shop_property('texts', 'item_id') }}, product_id) as item_id,
        {{ shop_property('texts', 'item_category') }} as item_category,
        {{ shop_property('texts', 'item_brand') }} as item_brand,
        coalesce({{ shop_property('texts', 'quantity') }}, quantity) as quantity,
        coalesce({{ shop_property('texts', 'price') }}, price) as price,
        {{ shop_property('texts', 'currency') }} as currency,

        {{ shop_property('texts', 'order_id') }} as order_id,
        coalesce({{ shop_property('texts', 'order_value') }}, revenue) as order_value,

        {{ shop_property('texts', 'page_url') }} as page_url,
        {% for field in ['referrer', 'utm_source', 'utm_medium', 'utm_campaign'] -%}
            -- EMPTY is what Amplitude sets for none
            nullif(
                coalesce({{ shop_property('texts', field) }}, {{ json_text('user_json', '$.' ~ field) }}), 'EMPTY'
            ) as {{ field }},
        {% endfor -%}
        case
            when {{ has_pattern('device', 'iPad|[Tt]ablet') }} then 'tablet'
            when platform in ('iOS', 'Android') or {{ has_pattern('device', 'Phone|Mobile|Android') }} then 'mobile'
            when {{ has_pattern('device', 'Windows|Mac|Linux|Chrome OS') }} then 'desktop'
        end as device_type,
        country,
        {{ shop_property('texts', 'items') }} as items
    from parsed

)

select * from renamed
