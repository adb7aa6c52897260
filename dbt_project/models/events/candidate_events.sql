-- Every delivered row of every source, read by one set of rules: its typed fields, or why it cannot be an event.

{{ config(
    materialized='rebuilt', meta={'rebuilt_for': {'loads_this_run': ['load_id']}, 'uncompressed': ['event_id']}
) }}

with

delivered as{{ not_kept_if_delivered(['event_type', 'page_url']) }} (

    {% for name in sources_with_rows() -%}
        select
            source, load_id, line, is_at_clock_change,
            {{ canonical_fields() | join(', ') }}
        from {{ ref('stg_' ~ name) }}
        where {{ is_in_this_run(ref('loads_this_run'), ['load_id']) }}
        {% if not loop.last -%} union all {% endif -%}
    {% endfor %}

),

files as (

    select
        files.load_id,
        files.landed_at,
        decimal_comma_files.load_id is not null as has_decimal_commas
    from {{ source('raw', 'files') }} as files
    left join {{ ref('decimal_comma_files') }} as decimal_comma_files on files.load_id = decimal_comma_files.load_id

),

-- A shop has few words for what happens: what one means is asked once, too.
words as (

    select distinct event_type as word
    from delivered

),

types as (

    select
        word,
        {{ event_type('word') }} as event_type
    from words

),

typed as (

    select
        delivered.source,
        delivered.load_id,
        delivered.line,
        files.landed_at,
        delivered.event_id,
        {{ known_id('delivered.visitor_id') }} as visitor_id,
        coalesce(delivered.visitor_id = '{{ no_consent() }}', false) as is_without_consent,
        {{ known_id('delivered.user_id') }} as user_id,
        delivered.event_at,
        delivered.is_at_clock_change,
        types.event_type,
        {{ item_id('delivered.item_id') }} as item_id,
        {{ given_text('delivered.item_category') }} as item_category,
        {{ given_text('delivered.item_brand') }} as item_brand,
        delivered.quantity as quantity_text,
        {{ quantity_number('delivered.quantity', 'files.has_decimal_commas') }} as quantity_number,
        delivered.price as price_text,
        {{ amount_number('delivered.price', 'files.has_decimal_commas') }} as price_number,
        {{ currency_code('delivered.currency') }} as currency_text,
        {{ is_currency_code(currency_code('delivered.currency')) }} as is_currency,
        {{ known_id('delivered.order_id') }} as order_id,
        delivered.order_value as order_value_text,
        {{ order_value_number('delivered.order_value', 'files.has_decimal_commas', 'types.event_type') }}
            as order_value_number,
        {{ given_text('delivered.page_url') }} as page_url,
        {{ given_text('delivered.referrer') }} as referrer,
        {{ given_text('delivered.utm_source') }} as utm_source,
        {{ given_text('delivered.utm_medium') }} as utm_medium,
        {{ given_text('delivered.utm_campaign') }} as utm_campaign,
        {{ given_text('delivered.device_type') }} as device_type,
        {{ given_text('delivered.country') }} as country,
        delivered.items
    from delivered
    inner join files on delivered.load_id = files.load_id
    left join types on delivered.event_type = types.word

),

-- Many visits are of few pages: what an address means is asked once.
addresses as (

    select distinct {{ given_text('page_url') }} as page_url
    from delivered

),

meanings as (

    {{ meanings_of_addresses('addresses') }}

),

pages as (

    select
        typed.*,
        meanings.path,
        meanings.page_type,
        meanings.page_category,
        {{ item_id('meanings.page_item_text') }} as page_item_id,
        {{ viewed_type('typed.event_type', 'meanings.page_type') }} as viewed_type
    from typed
    left join meanings on typed.page_url = meanings.page_url

),

validated as (

    select
        source,
        load_id,
        line,
        {{ row_key('load_id', 'line') }} as row_key,
        event_id,
        coalesce(visitor_id, {{ user_as_visitor('user_id') }}) as visitor_id,
        user_id,
        event_at,
        event_type,
        {{ event_rank('event_type') }} as event_rank,
        item_id,
        coalesce(item_category, case when item_id is null or page_type = 'item' then page_category end)
            as item_category,
        item_brand,
        {{ used_quantity('quantity_number') }} as quantity,
        {{ used_amount('price_number') }} as price,
        case when is_currency then currency_text end as currency,
        order_id,
        {{ used_amount('order_value_number') }} as order_value,
        page_url,
        page_type,
        case when event_type = 'page_view' and page_type is null then path end as untyped_path,
        viewed_type,
        case when viewed_type = 'view_item' then coalesce(item_id, page_item_id) end as viewed_item_id,
        case
            when path is not null and (viewed_type is not null or event_type in ('view_item', 'view_item_list'))
                then {{ hash_number(['coalesce(page_item_id, path)']) }}
        end as page_key,
        referrer,
        utm_source,
        utm_medium,
        utm_campaign,
        device_type,
        country,
        {{ context_flags() }} as context_flags,
        is_at_clock_change,

        case
            when {{ is_rounded_id('visitor_id') }} or {{ is_rounded_id('user_id') }} then 'rounded_id'
            when visitor_id is null and user_id is null
                then case when is_without_consent then 'no_consent' else 'no_identity' end
            when {{ is_rounded_id('order_id') }} or {{ is_rounded_id('event_id') }} then 'rounded_id'
            when event_at is null then 'bad_time'
            when {{ is_implausible_time('event_at', 'landed_at') }} then 'implausible_time'
            when event_type is null then 'no_type'
        end as drop_reason,

        {{ repairs_of_row(repairs_of_amounts() + [
            repair_reason('bad_order_value', 'order_value_text', is_used_amount('order_value_number')),
            repair_reason('bad_items', 'items', is_json_list('items')),
        ]) }} as repair_reasons
    from pages

)

select * from validated
