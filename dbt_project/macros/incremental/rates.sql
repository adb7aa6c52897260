{#-
    What belongs here: which rates of exchange are others than those that the tables of the last build rest on. Not here:
    what is worth something else for it (models/incremental), or the rates themselves (models/money).
-#}

{#- Adds CTEs, the last of which is `changed_rates`: rates that came, and rates that went; none in a full build. -#}
{%- macro changed_rates() -%}
previous_rates as (

    select * from {{ previous_version('last_rates', {
        'currency': 'string', 'valid_from': 'timestamp', 'valid_until': 'timestamp', 'rate': rate_type(),
    }) }}

),

rates as (

    select
        currency_rates.currency,
        currency_rates.valid_from,
        currency_rates.valid_until,
        currency_rates.rate
    from {{ ref('currency_rates') }} as currency_rates
    -- a full build has nothing to compare with
    cross join {{ watermark() }}

),

changed_rates as (

    (
        select * from rates
        except
        select * from previous_rates
    )
    union all
    (
        select * from previous_rates
        except
        select * from rates
    )

)
{%- endmacro -%}
