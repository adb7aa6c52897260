-- Calls as Segment and RudderStack keep them: whole, with properties and context as JSON, or as rows of their warehouse
-- tables, where each property and each field of the context is a column.

with

delivered as (

    select * from {{ source('raw', 'segment') }}

),

-- Tables of a warehouse have no column for the kind of call; an event may have a property of that name.
parsed as (

    select
        *,
        {{ event_time('timestamp', 'segment') }},
        coalesce({{ known_id('message_id') }}, md5({{ row_content() }})) as event_id,
        {{ json_object('properties') }} as properties_json,
        {{ json_object('context') }} as context_json,
        case
            when lower(type) in ('track', 'page', 'screen', 'identify', 'group', 'alias') then lower(type)
            when coalesce(event, event_text) is not null then 'track'
            when group_id is not null then 'group'
            when previous_id is not null then 'alias'
            when url is not null then 'page'
            else 'identify'
        end as call
    from delivered

),

found as (

    select
        *,
        case call
            when 'track' then {{ event_type('coalesce(event_text, event)') }}
            when 'page' then 'page_view'
            when 'screen' then 'page_view'
            when 'identify' then case when {{ known_id('user_id') }} is null then call else 'login' end
            else call
        end as event_type,
        coalesce(
            {{ json_text('properties_json', '$.product_id') }}, {{ json_text('properties_json', '$.productId') }},
            product_id, {{ json_text('properties_json', '$.sku') }}, sku,
            -- the first version of the specification calls it id, and so may be called what is no product
            case
                when
                    call = 'track'
                    and {{ event_type('coalesce(event_text, event)') }}
                    in ('view_item', 'add_to_cart', 'remove_from_cart', 'add_to_wishlist')
                    and {{ first_full_list([json_text('properties_json', '$.products'), 'products']) }} is null
                    then {{ json_text('properties_json', '$.id') }}
            end
        ) as own_product,
        coalesce(
            {{ json_text('context_json', '$.page.url') }}, context_page_url,
            case when call in ('page', 'screen') then coalesce({{ json_text('properties_json', '$.url') }}, url) end
        ) as page,
        coalesce(
            {{ json_text('context_json', '$.userAgent') }}, {{ json_text('context_json', '$.user_agent') }},
            context_user_agent
        ) as browser,
        lower(coalesce({{ json_text('context_json', '$.device.type') }}, context_device_type)) as device,
        coalesce({{ json_text('context_json', '$.device.model') }}, context_device_model) as model
    from parsed

),

renamed as (

    select
        'segment' as source,
        _load_id as load_id,
        _line as line,

        event_id,
        anonymous_id as visitor_id,
        user_id,
        event_at,
        is_at_clock_change,
        event_type,

        own_product as item_id,
        -- a page has a category too
        case
            when own_product is not null then coalesce({{ json_text('properties_json', '$.category') }}, category)
        end as item_category,
        case
            when own_product is not null then coalesce({{ json_text('properties_json', '$.brand') }}, brand)
        end as item_brand,
        coalesce({{ json_text('properties_json', '$.quantity') }}, quantity) as quantity,
        coalesce({{ json_text('properties_json', '$.price') }}, price) as price,
        coalesce({{ json_text('properties_json', '$.currency') }}, currency) as currency,

        coalesce(
            {{ json_text('properties_json', '$.order_id') }}, {{ json_text('properties_json', '$.orderId') }}, order_id
        ) as order_id,
        case
            when event_type in ('purchase', 'refund')
                then coalesce(
                    {{ json_text('properties_json', '$.total') }}, total,
                    {{ json_text('properties_json', '$.revenue') }}, revenue,
                    {{ json_text('properties_json', '$.value') }}, value
                )
        end as order_value,

        page as page_url,
        coalesce(
            {{ json_text('context_json', '$.page.referrer') }}, context_page_referrer,
            case
                when call in ('page', 'screen')
                    then coalesce({{ json_text('properties_json', '$.referrer') }}, referrer)
            end
        ) as referrer,
        {% for field, name in [('utm_source', 'source'), ('utm_medium', 'medium'), ('utm_campaign', 'name')] -%}
            coalesce(
                {{ json_text('context_json', '$.campaign.' ~ name) }}, context_campaign_{{ name }},
                {{ url_parameter('page', field) }}
            ) as {{ field }},
        {% endfor -%}
        case
            when browser is not null then {{ device_of('browser') }}
            when device in ('ios', 'android') then case when model like 'iPad%' then 'tablet' else 'mobile' end
        end as device_type,
        coalesce({{ json_text('context_json', '$.location.country') }}, context_location_country) as country,
        -- what an event about one product has in products is the rest of the cart
        case
            when own_product is null
                then {{ first_full_list([json_text('properties_json', '$.products'), 'products']) }}
        end as items
    from found

)

select * from renamed
