-- The items of the delivered rows that bring a list of them, read by the rules of a row's own item.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'loads_this_run': ['load_id']}}) }}

{#- JSON's own numbers have points whatever the file's other amounts have; its texts have what their source says. -#}
{% set has_commas = "(decimal_comma_files.is_declared or decimal_comma_files.load_id is not null and {} like '%,%')" -%}

with

{% for name in sources_with_rows() -%}
    {{ name }}_lists as (

        select
            load_id,
            line,
            items
        from {{ ref('stg_' ~ name) }}
        where
            items is not null
            and {{ is_in_this_run(ref('loads_this_run'), ['load_id']) }}

    ),

    -- Every item is parsed once, whatever is read of it.
    {{ name }}_texts as (

        select
            load_id,
            line,
            item_number,
            {{ json_texts('item', item_paths(name).values() | sum(start=[]), has_decimal_commas(name)) }} as texts
        from {{ json_elements(name ~ '_lists', 'items') }} as {{ name }}_items

    ),

{% endfor -%}
delivered as (

    {% for name in sources_with_rows() -%}
        select
            load_id,
            line,
            {% set place = namespace(next=0) -%}
            {% for field, paths in item_paths(name).items() -%}
                coalesce(
                    {% for path in paths -%}
                        nullif({{ listed_text('texts', place.next) }}, ''),
                        {%- set place.next = place.next + 1 %}
                    {% endfor -%}
                    null
                ) as {{ field }},
            {% endfor -%}
            item_number
        from {{ name }}_texts
        {% if not loop.last -%} union all {% endif -%}
    {% endfor %}

),

typed as (

    select
        delivered.load_id,
        delivered.line,
        delivered.item_number,
        {{ item_id('delivered.item_id') }} as item_id,
        {{ given_text('delivered.item_name') }} as item_name,
        {{ given_text('delivered.item_category') }} as item_category,
        {{ given_text('delivered.item_brand') }} as item_brand,
        {{ given_text('delivered.item_url') }} as item_url,
        {{ given_text('delivered.image_url') }} as image_url,
        delivered.quantity as quantity_text,
        {{ quantity_number('delivered.quantity', has_commas.format('delivered.quantity')) }} as quantity_number,
        delivered.price as price_text,
        {{ amount_number('delivered.price', has_commas.format('delivered.price')) }} as price_number,
        {{ currency_code('delivered.currency') }} as currency_text,
        {{ is_currency_code(currency_code('delivered.currency')) }} as is_currency
    from delivered
    left join {{ ref('decimal_comma_files') }} as decimal_comma_files
        on delivered.load_id = decimal_comma_files.load_id

),

validated as (

    select
        load_id,
        line,
        {{ row_key('load_id', 'line') }} as row_key,
        item_number,
        item_id,
        item_name,
        item_category,
        item_brand,
        item_url,
        image_url,
        {{ used_quantity('quantity_number') }} as quantity,
        {{ used_amount('price_number') }} as price,
        case when is_currency then currency_text end as currency,
        {{ repairs_of_row(repairs_of_amounts()) }} as repair_reasons
    from typed

),

final as (

    select
        *,
        count(*) over of_row as item_count,
        -- of a list that has something else in its first place, too
        item_number = min(item_number) over of_row as is_first_of_row,
        bool_or({{ adds_units('quantity') }}) over of_row as row_adds_units,
        bool_or({{ has_units('quantity') }}) over of_row as row_has_units
    from validated
    window of_row as (partition by row_key)

)

select * from final
