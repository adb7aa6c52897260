-- Mixpanel's events: all that is known of one is in its properties, or, in tables, in columns beside it.

with

delivered as (

    select * from {{ source('raw', 'mixpanel') }}

),

parsed as (

    select
        *,
        md5({{ row_content() }}) as content_hash,
        {{ json_object('coalesce(properties, _extra)') }} as held
    from delivered

),

read_once as (

    select
        *,
        {{ shop_texts('held') }} as texts,
        coalesce(time, {{ json_text('held', '$.time') }}) as exported_time,
        coalesce({{ known_id('insert_id') }}, {{ known_id(json_text('held', '$."$insert_id"')) }}) as inserted_id,
        {{ json_text('held', '$."$os"') }} as os,
        coalesce({{ json_text('held', '$."$device"') }}, {{ json_text('held', '$."$model"') }}) as device
    from parsed

),

timed as (

    select
        *,
        {% if source_zone('mixpanel') == 'UTC' -%}
            {{ event_time('exported_time', 'mixpanel') }}
        {%- else -%}
            -- in a project from before 2023 even an epoch counts by the clocks of its zone
            {{ event_time(epoch_as_clock('exported_time'), 'mixpanel') }}
        {%- endif %}
    from read_once

),

renamed as (

    select
        'mixpanel' as source,
        _load_id as load_id,
        _line as line,

        -- for Mixpanel two events with one of these are one only if they have one name and one day, too; whose they are
        -- is left out, for people who are merged later are exported with another distinct_id
        case
            when inserted_id is null then content_hash
            else concat_ws(' ', inserted_id, event, substr(cast(event_at as string), 1, 10))
        end as event_id,
        coalesce(
            {{ known_id('device_id') }},
            {{ known_id('distinct_id') }},
            {{ known_id(json_text('held', '$."$device_id"')) }},
            {{ json_text('held', '$.distinct_id') }}
        ) as visitor_id,
        coalesce({{ known_id('user_id') }}, {{ json_text('held', '$."$user_id"') }}) as user_id,
        event_at,
        is_at_clock_change,
        {{ event_type('event', is_chosen=true) }} as event_type,

        {% for field in [
            'item_id', 'item_category', 'item_brand', 'quantity', 'price', 'currency', 'order_id', 'order_value',
            'page_url', 'utm_source', 'utm_medium', 'utm_campaign', 'items',
        ] -%}
            {{ shop_property('texts', field) }} as {{ field }},
        {% endfor -%}
        nullif({{ shop_property('texts', 'referrer') }}, '$direct') as referrer,
        case
            when device like 'iPad%' then 'tablet'
            when os in ('iOS', 'iPhone OS', 'Android', 'Windows Phone') then 'mobile'
            when os in ('Windows', 'Mac OS X', 'macOS', 'Linux', 'Chrome OS') then 'desktop'
        end as device_type,
        {{ json_text('held', '$.mp_country_code') }} as country
    from timed

)

select * from renamed
