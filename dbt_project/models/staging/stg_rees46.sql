-- REES46: one row an event, one purchase row an item, no event and no order ids.

with

delivered as (

    select * from {{ source('raw', 'rees46') }}

),

renamed as (

    select
        'rees46' as source,
        _load_id as load_id,
        _line as line,

        md5({{ row_content() }}) as event_id,
        user_id,
        {{ event_time('event_time', 'rees46') }},
        event_type,

        product_id as item_id,
        coalesce(category_code, category_id) as item_category,
        brand as item_brand,
        price,

        {{ null_fields(
            'visitor_id', 'quantity', 'currency', 'order_id', 'order_value', 'page_url', 'referrer', 'utm_source',
            'utm_medium', 'utm_campaign', 'device_type', 'country', 'items'
        ) }}
    from delivered

)

select * from renamed
