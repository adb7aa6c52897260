{#-
    What belongs here: what day it is for a shopper at an instant: how far the next public holiday is, and whether the shop
    has a sale. What does not: reading the shop's calendar (rules/calendar.sql).

    A sale is known from its first instant on, with its end, whenever its row was delivered: so what was known at an
    instant does not depend on arrival, and nothing is known of a sale before it begins. One that is prolonged has a
    row of its own from then on: of several sales at once the one that ends last counts.
-#}

{#- Holidays farther off are all alike. -#}
{%- macro longest_days_to_holiday() -%}
{{ return(60) }}
{%- endmacro -%}

{#-
    Adds CTEs, the last of which is `name`: one row a country and instant of `asked`, a relation with `country`, as it is
    delivered, and `instant`. The calendar is that of the country, or of the shop's where it is not known.
-#}
{%- macro calendar_days(name, asked) -%}
{{ name }}_asked as (

    select distinct
        coalesce(country, '') as place,
        instant
    from {{ asked }}

),

{{ name }}_places as (

    select
        asked.place,
        asked.instant,
        coalesce(country_names.country, {{ shop_country() }}) as country,
        cast(cast({{ shop_time('asked.instant') }} as date) as timestamp) as day
    from {{ name }}_asked as asked
    left join {{ source('reference', 'country_names') }} as country_names
        on {{ country_name('asked.place') }} = country_names.name

),

{{ name }}_days as (

    select distinct
        country,
        day
    from {{ name }}_places
    where country is not null

),

{{ name }}_public_holidays as (

    select
        country,
        cast(day as timestamp) as holiday
    from {{ source('reference', 'public_holidays') }}

),

{{ name }}_holidays as (

    select
        days.country,
        days.day,
        holidays.holiday
    from {{ name }}_days as days
    {{ asof_join(
        'left', name ~ '_public_holidays', 'holidays',
        keys={'country': 'days.country'}, at="days.day - interval '1' day", comparison='<', event_at='holiday'
    ) }}

),

{{ name }}_sales as (

    select
        places.place,
        places.instant,
        max(sales.ends_at) as sale_ends_at
    from {{ name }}_places as places
    inner join {{ ref('sales') }} as sales
        on
            places.instant >= sales.starts_at
            and places.instant < sales.ends_at
    where sales.country is null or sales.country = places.country
    group by places.place, places.instant

),

{{ name }} as (

    select
        places.place,
        places.instant,
        places.country,
        case
            when holidays.country is not null
                then least(
                    coalesce({{ hours_between('holidays.day', 'holidays.holiday') }} / 24, {{ longest_days_to_holiday() }}),
                    {{ longest_days_to_holiday() }}
                )
        end as days_to_holiday,
        sales.sale_ends_at
    from {{ name }}_places as places
    left join {{ name }}_holidays as holidays
        on
            places.country = holidays.country
            and places.day = holidays.day
    left join {{ name }}_sales as sales
        on
            places.place = sales.place
            and places.instant = sales.instant

)
{%- endmacro -%}

{#- The features of a row of `calendar_days`, which is joined as `calendar`; one list for carts and for returns. -#}
{%- macro calendar_features() -%}
cast(calendar.days_to_holiday = 0 as double) as calendar_is_holiday,
        cast(calendar.days_to_holiday as double) as calendar_days_to_holiday,
        cast(calendar.sale_ends_at is not null as double) as calendar_is_sale,
        cast({{ hours_between('calendar.instant', 'calendar.sale_ends_at') }} as double) as calendar_sale_hours_left
{%- endmacro -%}
