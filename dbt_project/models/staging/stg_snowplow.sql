-- Snowplow's enriched events, as rows without a header line or as JSON: what happened is in the event's own fields or
-- in a self-describing event, the products, the order and the step of the checkout in entities beside it.

with

delivered as (

    select * from {{ source('raw', 'snowplow') }}

),

parsed as (

    select
        *,
        coalesce({{ known_id('event_id') }}, md5({{ row_content() }})) as tracked_id,
        coalesce(derived_tstamp, collector_tstamp) as happened_at,
        {{ json_object('unstruct_event') }} as self_describing,
        {{ snowplow_entities('product') }} as products,
        {{ json_object(snowplow_entities('transaction')) }} as transaction_entity,
        {{ json_object(snowplow_entities('refund')) }} as refund_entity,
        {{ json_object(snowplow_entities('cart')) }} as cart_entity,
        {{ json_object(snowplow_entities('checkout_step')) }} as checkout_entity,
        {{ json_object('contexts_com_snowplowanalytics_snowplow_client_session_1') }} as app_session
    from delivered

),

described as (

    select
        *,
        coalesce(
            event_name,
            nullif(regexp_extract({{ json_text('self_describing', '$.data.schema') }}, '/([^/]+)/jsonschema/', 1), ''),
            event
        ) as described_name,
        {{ json_object("coalesce("
            ~ "unstruct_event_com_snowplowanalytics_snowplow_ecommerce_snowplow_ecommerce_action_1, "
            ~ "unstruct_event_com_snowplowanalytics_snowplow_add_to_cart_1, "
            ~ "unstruct_event_com_snowplowanalytics_snowplow_remove_from_cart_1, "
            ~ json_text('self_describing', '$.data.data')
            ~ ")") }} as body
    from parsed

),

acted as (

    select
        *,
        {{ json_text('body', '$.type') }} as action
    from described

),

renamed as (

    select
        'snowplow' as source,
        _load_id as load_id,
        _line as line,

        tracked_id as event_id,
        coalesce({{ known_id('domain_userid') }}, {{ json_text('app_session', '$[0].userId') }}) as visitor_id,
        user_id,
        {{ event_time('happened_at', 'snowplow') }},
        case
            when coalesce(event, event_name) = 'transaction' then 'purchase'
            when event = 'struct' then coalesce(se_action, event)
            when event != 'unstruct' then event
            when described_name = 'site_search' then 'search'
            when described_name != 'snowplow_ecommerce_action' then described_name
            when action = 'product_view' then 'view_item'
            when action = 'list_view' then 'view_item_list'
            when action = 'list_click' then 'select_item'
            when action = 'promo_view' then 'view_promotion'
            when action = 'promo_click' then 'select_promotion'
            when action = 'transaction' then 'purchase'
            when action = 'trns_error' then 'transaction_error'
            when action is null or action != 'checkout_step' then action
            when coalesce({{ json_text('checkout_entity', '$[0].step') }}, '1') = '1' then 'begin_checkout'
            when {{ json_text('checkout_entity', '$[0].payment_method') }} is not null then 'add_payment_info'
            when
                coalesce(
                    {{ json_text('checkout_entity', '$[0].delivery_method') }},
                    {{ json_text('checkout_entity', '$[0].delivery_provider') }},
                    {{ json_text('checkout_entity', '$[0].shipping_postcode') }},
                    {{ json_text('checkout_entity', '$[0].shipping_full_address') }}
                ) is not null
                then 'add_shipping_info'
            else action
        end as event_type,

        coalesce({{ json_text('body', '$.sku') }}, ti_sku) as item_id,
        coalesce({{ json_text('body', '$.category') }}, ti_category) as item_category,
        cast(null as string) as item_brand,
        coalesce({{ json_text('body', '$.quantity') }}, ti_quantity) as quantity,
        coalesce(
            {{ json_text('body', '$.unitPrice') }},
            {{ json_text('body', '$.unit_price') }},
            {{ json_text('body', '$.price') }},
            ti_price
        ) as price,
        coalesce(
            {{ json_text('transaction_entity', '$[0].currency') }},
            {{ json_text('refund_entity', '$[0].currency') }},
            {{ json_text('cart_entity', '$[0].currency') }},
            {{ json_text('body', '$.currency') }},
            tr_currency,
            ti_currency
        ) as currency,

        coalesce(
            {{ json_text('transaction_entity', '$[0].transaction_id') }},
            {{ json_text('refund_entity', '$[0].transaction_id') }},
            tr_orderid,
            ti_orderid
        ) as order_id,
        coalesce(
            {{ json_text('refund_entity', '$[0].refund_amount') }},
            {{ json_text('transaction_entity', '$[0].revenue') }},
            tr_total
        ) as order_value,

        page_url,
        page_referrer as referrer,
        coalesce(mkt_source, {{ url_parameter('page_url', 'utm_source') }}) as utm_source,
        coalesce(mkt_medium, {{ url_parameter('page_url', 'utm_medium') }}) as utm_medium,
        coalesce(mkt_campaign, {{ url_parameter('page_url', 'utm_campaign') }}) as utm_campaign,
        case
            when dvce_type = 'Computer' then 'desktop'
            when dvce_type in ('Mobile', 'Tablet') then lower(dvce_type)
            when useragent is not null then {{ device_of('useragent') }}
            when dvce_ismobile in ('1', 'true') or platform = 'mob' then 'mobile'
        end as device_type,
        geo_country as country,
        products as items
    from acted

)

select * from renamed
