-- GA4's export to BigQuery: one row an event, its parameters a list of pairs, its items a list.
-- A day is exported while it goes on (events_intraday_), when it has ended (events_), and again while late events come,
-- for three days. So only fields are read that are the same each time: not traffic_source, user_ltv, is_active_user and
-- session_traffic_source_last_click, which only the daily tables have. (not set) stands for a text that was not sent.

{% set text_paths = ['$.value.string_value', '$.value.int_value', '$.value.double_value', '$.value.float_value'] -%}
{% set known_items = "replace(items, '\"(not set)\"', 'null')" -%}

with

delivered as (

    select * from {{ source('raw', 'ga4') }}

),

parsed as (

    select
        *,
        {{ event_time('event_timestamp', 'ga4') }},
        {{ json_pairs('event_params', '$.key', text_paths) }} as params,
        {{ json_object('ecommerce') }} as ecommerce_json,
        {{ known_items }} as known_items,
        {{ json_object(known_items) }} as items_json,
        {{ json_object('privacy_info') }} as privacy_json,
        {{ json_object('device') }} as device_json,
        {{ json_object('geo') }} as geo_json,
        {{ json_object('collected_traffic_source') }} as campaign_json
    from delivered

),

-- What the shop sends (value, currency, price) is in its own currency; what GA4 adds beside it is in dollars.
found as (

    select
        *,
        coalesce({{ paired_text('params', 'page_location') }}, page_location) as page,
        upper(coalesce({{ paired_text('params', 'currency') }}, currency)) as own_currency,
        case event_name
            when 'refund' then coalesce({{ json_text('ecommerce_json', '$.refund_value') }}, refund_value)
            else coalesce({{ json_text('ecommerce_json', '$.purchase_revenue') }}, purchase_revenue)
        end as own_revenue,
        coalesce({{ paired_text('params', 'value') }}, value) as sent_value,
        coalesce({{ json_text('items_json', '$[0].price') }}, price) as own_price,
        case event_name
            when 'refund' then coalesce({{ json_text('ecommerce_json', '$.refund_value_in_usd') }}, refund_value_in_usd)
            else coalesce({{ json_text('ecommerce_json', '$.purchase_revenue_in_usd') }}, purchase_revenue_in_usd)
        end as dollar_revenue,
        coalesce({{ json_text('items_json', '$[0].price_in_usd') }}, price_in_usd) as dollar_price,
        coalesce(
            {{ known_id(json_text('ecommerce_json', '$.transaction_id')) }},
            {{ known_id(paired_text('params', 'transaction_id')) }},
            {{ known_id('transaction_id') }}
        ) as transaction,
        coalesce({{ json_text('privacy_json', '$.analytics_storage') }}, analytics_storage) as analytics_consent
    from parsed

),

-- An app's SDK sends the value of a purchase within it in millionths.
valued as (

    select
        *,
        case
            when event_name = 'in_app_purchase' and sent_value not like '%.%'
                then coalesce(
                    cast(cast(try_cast(sent_value as decimal(24, 6)) / 1000000 as decimal(24, 6)) as string),
                    sent_value
                )
            else sent_value
        end as own_value
    from found

),

counted as (

    select
        *,
        case
            when own_currency is not null then own_currency = 'USD'
            when coalesce(own_revenue, own_value, own_price) is not null then false
            else coalesce(dollar_revenue, dollar_price) is not null
        end as is_in_dollars
    from valued

),

renamed as (

    select
        'ga4' as source,
        _load_id as load_id,
        _line as line,

        -- The export has no id of an event. Events of one request have one time, so beside whose, when and what it is
        -- made of what the browser sent with each. batch_event_index, which numbers them, was seen in daily tables
        -- only, and of event_bundle_sequence_id nobody says that it is the same in both.
        md5(concat_ws(
            chr(31),
            coalesce(user_pseudo_id, user_id, ''),
            coalesce(cast({{ epoch_us('event_at') }} as string), event_timestamp, ''),
            coalesce(event_name, ''),
            coalesce({{ paired_text('params', 'engagement_time_msec') }}, engagement_time_msec, ''),
            coalesce(transaction, ''),
            coalesce({{ json_texts_in_all('items', '$[*].item_id') }}, item_id, ''),
            coalesce({{ json_texts_in_all('items', '$[*].item_name') }}, item_name, ''),
            coalesce({{ json_texts_in_all('items', '$[*].item_variant') }}, item_variant, '')
        )) as event_id,
        case
            when user_pseudo_id is null and analytics_consent = 'No' then '{{ no_consent() }}'
            else user_pseudo_id
        end as visitor_id,
        user_id,
        event_at,
        is_at_clock_change,
        case event_name
            when 'screen_view' then 'page_view'
            when 'view_search_results' then 'search'
            when 'ecommerce_purchase' then 'purchase'
            when 'in_app_purchase' then 'purchase'
            when 'purchase_refund' then 'refund'
            else event_name
        end as event_type,

        -- of an item one of the two is sent, which the shop may choose
        coalesce(
            {{ json_text('items_json', '$[0].item_id') }}, {{ json_text('items_json', '$[0].item_name') }},
            nullif(item_id, '(not set)'), nullif(item_name, '(not set)')
        ) as item_id,
        {% for field in ['item_category', 'item_brand'] -%}
            coalesce({{ json_text('items_json', '$[0].' ~ field) }}, nullif({{ field }}, '(not set)')) as {{ field }},
        {% endfor -%}
        coalesce({{ json_text('items_json', '$[0].quantity') }}, quantity) as quantity,
        coalesce(own_price, case when is_in_dollars then dollar_price end) as price,
        coalesce(own_currency, case when is_in_dollars then 'USD' end) as currency,

        transaction as order_id,
        case
            when event_name in ('purchase', 'ecommerce_purchase', 'in_app_purchase', 'refund', 'purchase_refund')
                then coalesce(own_revenue, own_value, case when is_in_dollars then dollar_revenue end)
        end as order_value,

        page as page_url,
        coalesce({{ paired_text('params', 'page_referrer') }}, page_referrer) as referrer,
        {% for field, sent, place in [
            ('utm_source', 'source', 'manual_source'),
            ('utm_medium', 'medium', 'manual_medium'),
            ('utm_campaign', 'campaign', 'manual_campaign_name'),
        ] -%}
            coalesce(
                nullif({{ json_text('campaign_json', '$.' ~ place) }}, '(not set)'), {{ paired_text('params', sent) }},
                nullif({{ place }}, '(not set)'), {{ url_parameter('page', field) }}
            ) as {{ field }},
        {% endfor -%}
        coalesce({{ json_text('device_json', '$.category') }}, device_category) as device_type,
        nullif(coalesce({{ json_text('geo_json', '$.country') }}, country), '(not set)') as country,
        -- an amount in dollars is no price in another currency
        case when is_in_dollars then known_items else replace(known_items, '"price_in_usd"', '"price_elsewhere"') end
            as items
    from counted

)

select * from renamed
