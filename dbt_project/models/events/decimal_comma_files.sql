-- The files whose amounts are read with a decimal comma: those of a source that declares it, and those that can mean
-- nothing else. Only in a file with semicolons a comma is no separator.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'loads_this_run': ['load_id']}}) }}

with

files as (

    select
        load_id,
        source,
        delimiter,
        source in (
            {% for name in sources_with_rows() if has_decimal_commas(name) -%}
                '{{ name }}',
            {% endfor -%}
            ''
        ) as is_declared
    from {{ source('raw', 'files') }}
    where {{ is_in_this_run(ref('loads_this_run'), ['load_id']) }}

),

amounts as (

    {% for name in sources_with_rows() -%}
        select
            load_id,
            price,
            order_value
        from {{ ref('stg_' ~ name) }}
        where
            load_id in (
                select files.load_id from files
                where files.delimiter = ';'
            )
        {% if not loop.last -%} union all {% endif -%}
    {% endfor %}

),

forms as (

    select
        load_id,
        bool_or({{ is_comma_amount('price') }} or {{ is_comma_amount('order_value') }}) as has_commas,
        bool_or({{ is_point_amount('price') }} or {{ is_point_amount('order_value') }}) as has_points
    from amounts
    group by 1

),

final as (

    select
        files.load_id,
        files.is_declared
    from files
    left join forms on files.load_id = forms.load_id
    where
        files.is_declared
        or (forms.has_commas and not coalesce(forms.has_points, false))

)

select * from final
