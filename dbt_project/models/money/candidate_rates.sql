-- Every delivered rate of exchange: its typed fields, or why it cannot be one.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'loads_this_run': ['load_id']}}) }}

with

delivered as (

    select * from {{ ref('stg_exchange_rates') }}
    where {{ is_in_this_run(ref('loads_this_run'), ['load_id']) }}

),

files as (

    select
        load_id,
        delimiter
    from {{ source('raw', 'files') }}

),

-- With semicolons between fields and no decimal point in any rate a comma is the decimal sign.
forms as (

    select
        delivered.*,
        {% if has_decimal_commas('exchange_rates') -%}
            true
        {%- else -%}
            coalesce(
                files.delimiter = ';'
                and not coalesce(bool_or({{ has_pattern('delivered.rate', '[0-9][.]|[.][0-9]') }}) over (
                    partition by delivered.load_id
                ), false),
                false
            )
        {%- endif %} as has_decimal_commas
    from delivered
    inner join files on delivered.load_id = files.load_id

),

typed as (

    select
        load_id,
        line,
        valid_from,
        {{ currency_code('currency') }} as currency,
        try_cast({{ number_text('rate', 'has_decimal_commas') }} as {{ rate_type() }}) as rate
    from forms

),

validated as (

    select
        load_id,
        line,
        valid_from,
        currency,
        rate,
        case
            when valid_from is null then 'bad_time'
            when not coalesce({{ is_currency_code('currency') }}, false) then 'bad_currency'
            when not coalesce(rate > 0, false) then 'bad_rate'
        end as drop_reason
    from typed

)

select * from validated
