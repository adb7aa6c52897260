{#-
    What belongs here: times whose date is written in another way than ISO 8601, brought to it for event_time. Not here:
    reading times (`dialects/times`).
-#}

{#- 31.12.2026 23:59, 31/12/2026, 3-1-2026, 9:05 PM and the like as 2026-12-31 23:59; any other text as it is. -#}
{%- macro day_first(column) -%}
{{ reordered_date(column, '([0-9]{1,2})[./-]([0-9]{1,2})[./-]([0-9]{4})', 3, 2, 1) }}
{%- endmacro -%}

{#- 12/31/2026 23:59 as 2026-12-31 23:59. -#}
{%- macro month_first(column) -%}
{{ reordered_date(column, '([0-9]{1,2})[./-]([0-9]{1,2})[./-]([0-9]{4})', 3, 1, 2) }}
{%- endmacro -%}

{#- 2026/12/31 23:59 as 2026-12-31 23:59. -#}
{%- macro year_first(column) -%}
{{ reordered_date(column, '([0-9]{4})[./-]([0-9]{1,2})[./-]([0-9]{1,2})', 1, 2, 3) }}
{%- endmacro -%}

{#- 20261231 alone as 2026-12-31: as an epoch it would be a moment of 1970. Any other text as it is. -#}
{%- macro day_with_dashes(column) -%}
{%- set text = trim_blanks(column) -%}
case
    when {{ has_pattern(text, '^[0-9]{8}$') }}
        then substr({{ text }}, 1, 4) || '-' || substr({{ text }}, 5, 2) || '-' || substr({{ text }}, 7, 2)
    else {{ column }}
end
{%- endmacro -%}

{#- A date and the time of day that is delivered beside it, as one text. -#}
{%- macro with_time_of_day(date, clock) -%}
{%- set day = "substr(trim(" ~ date ~ "), 1, 10)" -%}
{{ day }} || ' ' || {{ clock_of_24_hours("trim(" ~ clock ~ ")") }}
{%- endmacro -%}

{#- A time of day with two digits for the hour, 9:05 PM as 21:05; any other text as it is. -#}
{%- macro clock_of_24_hours(clock) -%}
{%- set pattern = '^(1[0-2]|0?[0-9])((?::[0-9]{2}){0,2}(?:[.,][0-9]+)?)[' ~ blank_class() ~ ']*([AaPp])[.]?[Mm][.]?([' ~ blank_class() ~ ']*[-+0-9:ZUTCGM]*)$' -%}
{%- set parts = [] -%}
{%- for number in range(1, 5) -%}
    {%- do parts.append("regexp_extract(" ~ clock ~ ", " ~ text_literal(pattern) ~ ", " ~ number ~ ")") -%}
{%- endfor -%}
{%- set hour, minutes, half, offset = parts -%}
case
    when {{ has_pattern(clock, pattern) }}
        then lpad(
            cast(
                cast({{ hour }} as integer) % 12 + case when {{ half }} in ('P', 'p') then 12 else 0 end as string
            ), 2, '0'
        ) || {{ minutes }} || {{ offset }}
    when {{ clock }} like '_:%' then '0' || {{ clock }}
    else {{ clock }}
end
{%- endmacro -%}

{#- `pattern` is that of the date; `year`, `month` and `day` say which of its groups each is. -#}
{%- macro reordered_date(column, pattern, year, month, day) -%}
{%- set text = "trim(" ~ column ~ ")" -%}
{%- set whole = "^" ~ pattern ~ "[,Tt ]*(.*)$" -%}
{%- set clock = "regexp_extract(" ~ text ~ ", '" ~ whole ~ "', 4)" -%}
case
    when {{ has_pattern(text, '^' ~ pattern ~ '([,Tt ].*)?$') }}
        then trim(
            regexp_extract({{ text }}, '{{ whole }}', {{ year }})
            || '-' || lpad(regexp_extract({{ text }}, '{{ whole }}', {{ month }}), 2, '0')
            || '-' || lpad(regexp_extract({{ text }}, '{{ whole }}', {{ day }}), 2, '0')
            || ' ' || {{ clock_of_24_hours(clock) }}
        )
    else {{ column }}
end
{%- endmacro -%}
