{#- What belongs here: reading times out of text, and their parts, where the engines spell them otherwise. -#}

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

{#-
    A UTC timestamp out of text: ISO 8601 (extended or basic, T or blank, any fraction, with or without offset) or
    an epoch in seconds, milliseconds or microseconds, distinguished by size. Without an offset it is a time of `zone`.
    Unreadable text gives null.
-#}
{%- macro read_time(column, zone) -%}
{{ return(adapter.dispatch('read_time')(column, zone)) }}
{%- endmacro -%}

{%- macro duckdb__read_time(column, zone) -%}
{%- set text = "regexp_replace(replace(trim(" ~ column ~ "), ',', '.'), '^(\\d{4})(\\d{2})(\\d{2})T(\\d{2})(\\d{2})(\\d{2})', '\\1-\\2-\\3T\\4:\\5:\\6')" -%}
{%- set clock = "^\\d{4}-\\d{2}-\\d{2}([T ]\\d{2}:\\d{2}(:\\d{2}(\\.\\d+)?)?)?" -%}
coalesce(
{#- what most dumps say, read without a pattern; the length of all is given, so that no number is short of digits #}
case
    when {{ column }} like '2___-__-__T__:__:__.___Z' then
        try_strptime({{ column }}, '%Y-%m-%dT%H:%M:%S.%gZ')
end,
case
    when regexp_full_match({{ column }}, '\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z') then
        try_cast({{ column }} as timestamp)
    when regexp_full_match(trim({{ column }}), '-?\d{1,17}(\.\d+)?|-?\d(\.\d+)?[eE]\+?\d{1,2}') then
        {{ epoch_to_timestamp("try_cast(trim(" ~ column ~ ") as decimal(24, 6))") }}
    when regexp_matches({{ text }}, '{{ clock }}$') then
        try_cast({{ text }} as timestamp){% if zone != 'UTC' %} at time zone '{{ zone }}' at time zone 'UTC'{% endif %}
    when regexp_matches({{ text }}, '{{ clock }}\s?(Z|z|UTC|GMT|[+-]\d{2}(:?\d{2})?)$') then
        try_cast(replace({{ text }}, 'z', 'Z') as timestamptz) at time zone 'UTC'
end)
{%- endmacro -%}

{#- Below 10^11 it counts seconds (until the year 5138), below 10^14 milliseconds, else microseconds. -#}
{%- macro epoch_to_timestamp(number) -%}
make_timestamp(try_cast(case
    when abs({{ number }}) < 100000000000 then {{ number }} * 1000000
    when abs({{ number }}) < 100000000000000 then {{ number }} * 1000
    else {{ number }}
end as bigint))
{%- endmacro -%}
