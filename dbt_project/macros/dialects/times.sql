{#-
    What belongs here: reading times out of text, and their parts, where the engines spell them otherwise. Not here:
    which times a source or a row may have, and spans between them (rules/times.sql).
-#}

{#- Microseconds since 1970. -#}
{%- macro epoch_us(column) -%}
{{ return(adapter.dispatch('epoch_us')(column)) }}
{%- endmacro -%}

{%- macro duckdb__epoch_us(column) -%}
epoch_us({{ column }})
{%- endmacro -%}

{#- Day of the week, 1 for Monday to 7 for Sunday. -#}
{%- macro weekday(instant) -%}
{{ return(adapter.dispatch('weekday')(instant)) }}
{%- endmacro -%}

{%- macro duckdb__weekday(instant) -%}
extract(isodow from {{ instant }})
{%- endmacro -%}

{#- What the clocks of a zone show at a UTC instant. -#}
{%- macro local_time(instant, zone) -%}
{{ return(adapter.dispatch('local_time')(instant, zone)) }}
{%- endmacro -%}

{%- macro duckdb__local_time(instant, zone) -%}
(({{ instant }}) at time zone 'UTC' at time zone '{{ zone }}')
{%- endmacro -%}

{#-
    A timestamp out of text: ISO 8601 (extended or basic, T or blank, any fraction, with or without offset) or an epoch in
    seconds, milliseconds, microseconds or nanoseconds, distinguished by size. What has an offset, and an epoch, is in UTC,
    the rest as the clock showed it: `has_no_offset` says which. Finer than a microsecond is cut off. Unreadable text gives
    null. Blanks may be of any kind, minutes and seconds may be left out.
-#}
{%- macro read_clock(column) -%}
{{ return(adapter.dispatch('read_clock')(column)) }}
{%- endmacro -%}

{%- macro duckdb__read_clock(column) -%}
coalesce(
{#- what most dumps say, read without a pattern; the length of all is given, so that no number is short of digits #}
case
    when {{ column }} like '2___-__-__T__:__:__.___Z' then
        try_strptime({{ column }}, '%Y-%m-%dT%H:%M:%S.%gZ')
end,
case
    when regexp_full_match({{ column }}, '\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z?') then
        try_cast({{ column }} as timestamp)
    when regexp_full_match({{ column }}, '\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,6})?[+-]\d{2}:\d{2}') then
        try_cast({{ column }}[1:-7] as timestamp) - {{ offset_minutes(column ~ "[-6:-6]", column ~ "[-5:-4]", column ~ "[-2:]") }} * interval '1' minute
    {#- digits in seconds, milliseconds or microseconds are those of microseconds with zeros behind #}
    when regexp_full_match({{ column }}, '[1-9](\d{9}|\d{12}|\d{15})') then
        make_timestamp(try_cast(rpad({{ column }}, 16, '0') as bigint))
    {#- what few dumps say; written plainly once, not in each case #}
    when {{ may_be_time(column) }} then
        {{ with_value('plain_text', plainly_written(column), "case\n    " ~ clock_cases('plain_text') ~ "\nend") }}
end)
{%- endmacro -%}

{#-
    Whether a text begins with a year or is a number: no other is a time. One such as `yesterday` among two thousand rows
    cost as much to look at in every way as to read all of them: DuckDB compiles patterns within a lambda each time.
-#}
{%- macro may_be_time(column) -%}
regexp_matches({{ column }}, '^[{{ blank_class() }}]*[-\x{2212}]?\d(\d{3}|[\d.eE+]*[{{ blank_class() }}]*$)')
{%- endmacro -%}

{#- A time with plain blanks, a plain minus, and zeros for minutes and seconds that were left out. -#}
{%- macro plainly_written(column) -%}
{%- set text = "trim(replace(regexp_replace(" ~ column ~ ", '[" ~ blank_class() ~ "]', ' ', 'g'), chr(8722), '-'))" -%}
{%- set minutes = "regexp_replace(" ~ text ~ ", '^(\\d{4}-\\d{2}-\\d{2}[Tt ]\\d{2})([^\\d:.,]|$)', '\\1:00\\2')" -%}
{%- set minutes = "regexp_replace(" ~ minutes ~ ", '^(\\d{8}[Tt]\\d{2})([^\\d:.,]|$)', '\\100\\2')" -%}
regexp_replace({{ minutes }}, '^(\d{8}[Tt]\d{4})([^\d:.,]|$)', '\100\2')
{%- endmacro -%}

{#-
    Cases that read a text as `plainly_written` gives it. What is read in several places is named: each engine plans every
    place, in every statement that reads a time, though there may be no row.
-#}
{%- macro clock_cases(text) -%}
{%- set extended = "regexp_replace(replace(" ~ text ~ ", ',', '.'), '^(\\d{4})(\\d{2})(\\d{2})[Tt](\\d{2})(\\d{2})(\\d{2})', '\\1-\\2-\\3T\\4:\\5:\\6')" -%}
when regexp_full_match({{ text }}, '-?\d{1,20}(\.\d*)?|\d(\.\d+)?[eE]\+?\d{1,2}') then
        {{ epoch_to_timestamp(without_exponent(text)) }}
    else
        {{ with_value('extended_text', extended, "case\n    " ~ extended_cases('extended_text') ~ "\nend") }}
{%- endmacro -%}

{#- Cases that read a day and a time of day, with or without an offset. -#}
{%- macro extended_cases(text) -%}
{%- set offset = "\\s*([+-]\\d{2}(?::?\\d{2})?)(?:\\s*(?:UTC|GMT))?$" -%}
{%- set clock = "try_cast(replace(upper(regexp_extract(" ~ text ~ ", '" ~ clock_pattern() ~ "', 0)), 'T', ' ') as timestamp)" -%}
{%- set digits = "rpad(replace(regexp_extract(" ~ text ~ ", '" ~ offset ~ "', 1), ':', ''), 5, '0')" -%}
when regexp_matches({{ text }}, '{{ clock_pattern() }}\d*(?:\s*(?:[Zz](?:\s*(?:UTC|GMT))?|UTC|GMT))?$') then
        {{ clock }}
    when regexp_matches({{ text }}, '{{ clock_pattern() }}\d*{{ offset }}') then
        {{ clock }} - {{ with_value('offset_text', digits, offset_minutes('offset_text[1]', 'offset_text[2:3]', 'offset_text[4:5]')) }} * interval '1' minute
{%- endmacro -%}

{#- Whether a text says a time and not in which zone. -#}
{%- macro has_no_offset(column) -%}
{{ return(adapter.dispatch('has_no_offset')(column)) }}
{%- endmacro -%}

{%- macro duckdb__has_no_offset(column) -%}
{%- set blanks = '[' ~ blank_class() ~ ']*' -%}
regexp_matches({{ column }}, '^{{ blanks }}\d{4}(?:-\d{2}-\d{2}(?:[Tt{{ blank_class() }}][\d:.,]+)?|\d{4}[Tt][\d.,]+){{ blanks }}$')
{%- endmacro -%}

{#- Day and time of day to the microsecond, at the beginning of a text; further digits are left out. -#}
{%- macro clock_pattern() -%}
{{ return('^\\d{4}-\\d{2}-\\d{2}(?:[Tt ]\\d{2}:\\d{2}(?::\\d{2}(?:\\.\\d{1,6})?)?)?') }}
{%- endmacro -%}

{#- Minutes of an offset such as +02:00, of which these are the sign and two digits each; null beyond 14 hours, where no clock is. -#}
{%- macro offset_minutes(sign, hours, minutes) -%}
case
    when {{ hours }} < '14' and {{ minutes }} < '60' or {{ hours }} = '14' and {{ minutes }} = '00'
        then try_cast({{ sign }} || '1' as integer) * (try_cast({{ hours }} as integer) * 60 + try_cast({{ minutes }} as integer))
end
{%- endmacro -%}

{#- A number; one such as 1.795E+3 as 1795.0, null if it has fewer digits than that takes: it was rounded. -#}
{%- macro without_exponent(number) -%}
{%- set exponent = "try_cast(regexp_extract(" ~ number ~ ", '\\d+$', 0) as integer)" -%}
{%- set digits = "replace(regexp_extract(" ~ number ~ ", '^[\\d.]+', 0), '.', '')" -%}
case
    when not regexp_matches({{ number }}, '[eE]') then {{ number }}
    when length({{ digits }}) > {{ exponent }}
        then {{ digits }}[1:{{ exponent }} + 1] || '.' || {{ digits }}[{{ exponent }} + 2:]
end
{%- endmacro -%}

{#- Below 10^11 it counts seconds (until the year 5138), below 10^14 milliseconds, below 10^17 microseconds, else ns. -#}
{%- macro epoch_to_timestamp(number) -%}
{%- set cut = "try_cast(regexp_extract(" ~ number ~ ", '^-?\\d+(?:\\.\\d{1,6})?', 0) as decimal(26, 6))" -%}
{%- set micros %}case
    when abs(cut_number) < 100000000000 then floor(cut_number * 1000000)
    when abs(cut_number) < 100000000000000 then floor(cut_number * 1000)
    when abs(cut_number) < 100000000000000000 then floor(cut_number)
    else try_cast(floor(cut_number) as hugeint) // 1000
end{% endset -%}
make_timestamp({{ with_value('cut_number', cut, "try_cast(" ~ micros ~ " as bigint)") }})
{%- endmacro -%}
