-- What one unit of a currency is worth in the reporting currency, from a time until the next.

{{ config(materialized='rebuilt') }}

with

delivered as (

    select
        currency,
        valid_from,
        -- two rates of one time: the lower counts, whichever came first
        min(rate) as rate
    from {{ ref('candidate_rates') }}
    where drop_reason is null
    group by currency, valid_from

),

-- What is set holds until the first that is delivered.
given as (

    select
        currency,
        valid_from,
        rate
    from delivered
    {% for currency, rate in ((var('money') or {}).get('rates') or {}).items() %}
        union all
        select
            '{{ currency }}' as currency,
            timestamp '0001-01-01 00:00:00' as valid_from,
            cast('{{ rate }}' as {{ rate_type() }}) as rate
    {%- endfor %}

),

final as (

    select
        currency,
        valid_from,
        coalesce(
            lead(valid_from) over (
                partition by currency
                order by valid_from
            ),
            timestamp '9999-12-31 00:00:00'
        ) as valid_until,
        rate
    from given

)

select * from final
