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
        cast(null as string) as visitor_id,
        user_id,
        {{ event_time('event_time', 'rees46') }},
        case event_type
            when 'view' then 'view_item'
            when 'cart' then 'add_to_cart'
            else event_type
        end as event_type,

        product_id as item_id,
        coalesce(category_code, category_id) as item_category,
        brand as item_brand,
        cast(null as string) as quantity,
        price,
        cast(null as string) as currency,

        cast(null as string) as order_id,
        cast(null as string) as order_value,

        cast(null as string) as page_url,
        cast(null as string) as referrer,
        cast(null as string) as utm_source,
        cast(null as string) as utm_medium,
        cast(null as string) as utm_campaign,
        cast(null as string) as device_type,
        cast(null as string) as country,
        cast(null as string) as items
    from delivered

)

select * from renamed
