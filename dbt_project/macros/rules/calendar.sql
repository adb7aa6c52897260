{#-
    What belongs here: how the shop's calendar of sales is read, and whose calendar counts for a shopper. What does not:
    which sales there are (models/calendar, models/snapshots), and features (features/calendar_days.sql).
-#}

{#-
    The end of a sale as its times are written: one that names a day lasts that day, so it ends with the next. After the
    last day of the calendar, which stands for no end, there is none.
-#}
{%- macro end_of_last_day(column) -%}
case
        when {{ column }} like '%9999-12-31%' then {{ column }}
        when {{ has_pattern(column, '^[' ~ blank_class() ~ ']*[0-9]{4}-[0-9]{2}-[0-9]{2}[' ~ blank_class() ~ ']*$') }}
            then cast(try_cast({{ trim_blanks(column) }} as timestamp) + interval '1' day as string)
        else {{ column }}
    end
{%- endmacro -%}

{#- A country as it is delivered, as the names of `country_names` are written. -#}
{%- macro country_name(column) -%}
lower({{ trim_blanks(column) }})
{%- endmacro -%}

{#- The code of the shop's country, null where none is set. -#}
{%- macro shop_country() -%}
nullif('{{ var("country") }}', '')
{%- endmacro -%}
