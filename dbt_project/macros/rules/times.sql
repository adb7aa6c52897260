{#-
    What belongs here: the hour that is scored, spans between instants, how a source's times are read, and which of them
    cannot be. What does not: how long something counts (horizons.sql).
-#}

{#- The hour that is scored, UTC. -#}
{%- macro as_of() -%}
timestamp '{{ var("as_of") | replace("T", " ") | replace("Z", "") }}'
{%- endmacro -%}

{#- Hours from one instant to another, as a fraction; never a count of boundaries. -#}
{%- macro hours_between(earlier, later) -%}
(cast({{ epoch_us(later) }} - {{ epoch_us(earlier) }} as double) / 3600000000)
{%- endmacro -%}

{#- What the shop's clocks show at an instant: what hour of which day it is for its shoppers. -#}
{%- macro shop_time(instant) -%}
{%- if var('time_zone') == 'UTC' -%}
{{ instant }}
{%- else -%}
{{ local_time(instant, var('time_zone')) }}
{%- endif -%}
{%- endmacro -%}

{#- Whether no event can have been then, as landed: before shops kept such logs, or after it arrived. -#}
{%- macro is_implausible_time(event_at, landed_at) -%}
(
    {{ event_at }} < timestamp '2000-01-01 00:00:00'
    or {{ event_at }} > {{ landed_at }} + interval '{{ var("clock_skew_minutes") }}' minute
)
{%- endmacro -%}

{#- The zone that a source declares (meta.zone beside its columns) for times without an offset. -#}
{%- macro source_zone(source_name) -%}
{{ return(source_meta(source_name, 'zone', 'UTC')) }}
{%- endmacro -%}

{#-
    The columns event_at (UTC) and is_at_clock_change out of a source's column of time. A time without an offset is in the
    source's zone. One that the clocks of the zone showed twice is the first of the two; one that they skipped is read as
    if they had not been changed yet. Both are marked.
-#}
{%- macro event_time(column, source_name) -%}
{{ event_time_in(column, source_zone(source_name)) }}
{%- endmacro -%}

{%- macro event_time_in(column, zone) -%}
{%- if zone == 'UTC' -%}
{{ read_clock(column) }} as event_at,
false as is_at_clock_change
{%- else -%}
{%- set is_before, is_after = is_local_time('clock - before', 'clock', zone), is_local_time('clock - after', 'clock', zone) -%}
case
    when {{ has_no_offset(column) }}
        then {{ with_offsets(column, zone, 'case when ' ~ is_before ~ ' or not ' ~ is_after ~ ' then clock - before else clock - after end') }}
    else {{ read_clock(column) }}
end as event_at,
coalesce(
    {{ has_no_offset(column) }}
    and {{ with_offsets(column, zone, 'before != after and ' ~ is_before ~ ' = ' ~ is_after) }},
    false
) as is_at_clock_change
{%- endif -%}
{%- endmacro -%}

{#-
    An expression over `clock`, a local time, and over `before` and `after`: by how much the zone's clocks were ahead of UTC
    a day before it and a day after it.
-#}
{%- macro with_offsets(column, zone, expression) -%}
{%- set before = local_time("clock - interval '1' day", zone) ~ " - (clock - interval '1' day)" -%}
{%- set after = local_time("clock + interval '1' day", zone) ~ " - (clock + interval '1' day)" -%}
{{ with_value('clock', read_clock(column), with_value('before', before, with_value('after', after, expression))) }}
{%- endmacro -%}

{#- An epoch that counts by the clocks of a zone, not by UTC, as these clocks showed it: for event_time to read. -#}
{%- macro epoch_as_clock(column) -%}
cast({{ read_clock(column) }} as string)
{%- endmacro -%}

{%- macro is_local_time(instant, clock, zone) -%}
({{ local_time('(' ~ instant ~ ')', zone) }} = {{ clock }})
{%- endmacro -%}
