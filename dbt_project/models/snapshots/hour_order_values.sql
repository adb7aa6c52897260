-- What each order is worth in the currency that the hour is scored in: as a rule that of the log.

{{ config(materialized='standing_view') }}

with

currencies as (

    select coalesce(log_currency.currency, '') = coalesce(hour_currency.currency, '') as is_same
    from {{ ref('log_currency') }} as log_currency
    cross join {{ ref('hour_currency') }} as hour_currency

),

{{ order_values_base('valued', 'not (select currencies.is_same from currencies)', ref('hour_currency')) }},

final as (

    select
        orders.order_key,
        orders.visitor_id,
        orders.event_at,
        orders.event_number,
        case
            when (select currencies.is_same from currencies) then orders.order_value_base
            else valued.order_value_base
        end as order_value_base
    from {{ ref('order_values') }} as orders
    left join valued on orders.order_key = valued.order_key

)

select * from final
