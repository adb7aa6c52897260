{#-
    What belongs here: the currency that amounts are summed in, and how an amount in another one becomes one in it. Not
    here: which rates there are (models/money).
-#}

{#-
    The currency that all sums are in, as the one row of a query: the one that is set; else the one of most orders, else
    of most carts where no order has one, at or before the instant; of equally many the first by its code. Of these a
    currency of which a rate other than 1 is known by then comes after those without: rates are in units of the reporting
    currency. Null while no amount has a currency.
-#}
{%- macro reporting_currency(instant=none) -%}
{%- set set_currency = (var('money') or {}).get('reporting_currency') -%}
{#- refers to them whatever is set: what dbt parses for one shop serves all -#}
{%- set rates, order_events, operations = ref('currency_rates'), ref('order_events'), ref('cart_operations') -%}
{%- if set_currency -%}
select cast('{{ set_currency }}' as string) as currency
{%- else -%}
with

foreign_currencies as (

    select distinct currency
    from {{ rates }}
    where
        rate != 1
        {%- if instant %}
        and valid_from <= {{ instant }}
        {%- endif %}

),

of_orders as (

    select
        orders.currency,
        foreign_currencies.currency is not null as has_rate,
        0 as preference,
        count(*) as use_count
    from {{ order_events }} as orders
    left join foreign_currencies on orders.currency = foreign_currencies.currency
    where
        orders.currency is not null
        {%- if instant %}
        and orders.event_at <= {{ instant }}
        {%- endif %}
    group by orders.currency, foreign_currencies.currency

),

-- Only where orders do not say it: there are more carts than orders.
of_carts as (

    select
        operations.line_currency as currency,
        foreign_currencies.currency is not null as has_rate,
        1 as preference,
        count(distinct operations.cart_id) as use_count
    from {{ operations }} as operations
    left join foreign_currencies on operations.line_currency = foreign_currencies.currency
    where
        operations.is_touch
        and operations.line_currency is not null
        and (select count(*) from of_orders) = 0
        {%- if instant %}
        and operations.event_at <= {{ instant }}
        {%- endif %}
    group by operations.line_currency, foreign_currencies.currency

),

ranked as (

    select
        currency,
        row_number() over (order by preference, has_rate, use_count desc, currency) as place
    from (
        select * from of_orders
        union all
        select * from of_carts
    ) as currencies

)

select max(currency) as currency
from ranked
where place = 1
{%- endif -%}
{%- endmacro -%}

{#- The rate as it is kept: what is beyond has no meaning, or nobody's money has so little worth. -#}
{%- macro rate_type() -%}
{{ return('decimal(18, 12)') }}
{%- endmacro -%}

{#-
    The amount in the reporting currency, to four decimals; null without a rate. Amounts of 10^15 and more, which are
    mistakes, would have too many digits for the exact product.
-#}
{%- macro exchanged(amount, rate) -%}
case
        when abs({{ amount }}) < 1000000000000000
            then cast(cast({{ amount }} as decimal(19, 4)) * {{ rate }} as decimal(38, 4))
        else cast(cast({{ amount }} as double) * cast({{ rate }} as double) as decimal(38, 4))
    end
{%- endmacro -%}

{#- Whether an amount needs a rate. One that names no currency is taken to be in the reporting one. -#}
{%- macro is_foreign(currency, reporting) -%}
(
        {{ currency }} is not null
        and {{ currency }} != coalesce((select currency from {{ reporting }}), '')
    )
{%- endmacro -%}

{#-
    Adds CTEs, the last of which is `name`: the rows of `amounts` with `amount_base`, their amount in the reporting
    currency at their instant, null where a rate is lacking.

    amounts: a relation with `currency`, `amount` and `instant`; reporting: the relation of the reporting currency.
-#}
{%- macro base_amounts(name, amounts, reporting) -%}
{{ name }}_to_exchange as (

    select distinct
        currency,
        instant
    from {{ amounts }}
    where {{ is_foreign('currency', reporting) }}

),

{{ name }}_rates as (

    select
        amounts.currency,
        amounts.instant,
        rates.rate
    from {{ name }}_to_exchange as amounts
    {{ asof_join(
        'inner', ref('currency_rates'), 'rates',
        keys={'currency': 'amounts.currency'}, at='amounts.instant', comparison='>=', event_at='valid_from'
    ) }}

),

{{ name }} as (

    select
        amounts.*,
        case
            when not {{ is_foreign('amounts.currency', reporting) }} then cast(amounts.amount as decimal(38, 4))
            else {{ exchanged('amounts.amount', 'rates.rate') }}
        end as amount_base
    from {{ amounts }} as amounts
    left join {{ name }}_rates as rates
        on
            amounts.currency = rates.currency
            and amounts.instant = rates.instant

)
{%- endmacro -%}

{#- The sum of amounts that were exchanged; null, not less, where one of them lacks its rate. -#}
{%- macro base_sum() -%}
case when count(*) = count(amount_base) then cast(sum(amount_base) as decimal(38, 4)) end
{%- endmacro -%}
