-- Every delivered row of every source, read by one set of rules: its typed fields, or why it cannot be an event.

{{ config(
    materialized='rebuilt', meta={'rebuilt_for': {'loads_this_run': ['load_id']}, 'uncompressed': ['event_id']}
) }}

with

delivered as (

    {% for name in var('event_sources') -%}
        select
            source, load_id, line,
            {{ canonical_fields() | join(', ') }}
        from {{ ref('stg_' ~ name) }}
        where {{ is_in_this_run(ref('loads_this_run'), ['load_id']) }}
        {% if not loop.last -%} union all {% endif -%}
    {% endfor %}

),

files as (

    select * from {{ source('raw', 'files') }}

),

typed as (

    select
        delivered.source,
        delivered.load_id,
        delivered.line,
        files.landed_at,
        delivered.event_id,
        {{ person_id('delivered.visitor_id') }} as visitor_id,
        {{ person_id('delivered.user_id') }} as user_id,
        delivered.event_at,
        nullif(trim(delivered.event_type), '') as event_type,
        {{ thing_id('delivered.item_id') }} as item_id,
        delivered.item_category,
        delivered.item_brand,
        delivered.quantity as quantity_text,
        try_cast(delivered.quantity as decimal(24, 6)) as quantity_number,
        delivered.price as price_text,
        try_cast(delivered.price as decimal(18, 4)) as price_number,
        upper(trim(delivered.currency)) as currency_text,
        upper(trim(delivered.currency)) in (
            {{ currency_codes() }}
        ) as is_currency,
        {{ thing_id('delivered.order_id') }} as order_id,
        delivered.order_value as order_value_text,
        try_cast(delivered.order_value as decimal(18, 4)) as order_value_number,
        delivered.page_url,
        delivered.referrer,
        delivered.utm_source,
        delivered.utm_medium,
        delivered.utm_campaign,
        delivered.device_type,
        delivered.country
    from delivered
    inner join files on delivered.load_id = files.load_id

),

validated as (

    select
        source,
        load_id,
        line,
        {{ row_key('load_id', 'line') }} as row_key,
        event_id,
        coalesce(visitor_id, 'user:' || user_id) as visitor_id,
        user_id,
        event_at,
        event_type,
        {{ event_rank('event_type') }} as event_rank,
        item_id,
        item_category,
        item_brand,
        case
            when quantity_number >= 1 and quantity_number <= 2147483647 and quantity_number = floor(quantity_number)
                then cast(quantity_number as integer)
        end as quantity,
        case when price_number >= 0 then price_number end as price,
        case when is_currency then currency_text end as currency,
        order_id,
        case when order_value_number >= 0 then order_value_number end as order_value,
        page_url,
        referrer,
        utm_source,
        utm_medium,
        utm_campaign,
        device_type,
        country,
        {{ context_flags() }} as context_flags,

        case
            when visitor_id is null and user_id is null then 'no_identity'
            when event_at is null then 'bad_time'
            when
                event_at < timestamp '2000-01-01 00:00:00'
                or event_at > landed_at + interval '{{ var("clock_skew_minutes") }}' minute
                then 'implausible_time'
            when event_type is null then 'no_type'
        end as drop_reason,

        nullif(concat_ws(
            ',',
            case
                when
                    quantity_text is not null
                    and (
                        quantity_number is null
                        or quantity_number < 1
                        or quantity_number > 2147483647
                        or quantity_number != floor(quantity_number)
                    )
                    then 'bad_quantity'
            end,
            case
                when price_text is not null and (price_number is null or price_number < 0)
                    then 'bad_price'
            end,
            case when currency_text is not null and not is_currency then 'bad_currency' end,
            case
                when order_value_text is not null and (order_value_number is null or order_value_number < 0)
                    then 'bad_order_value'
            end
        ), '') as repair_reasons
    from typed

)

select * from validated
