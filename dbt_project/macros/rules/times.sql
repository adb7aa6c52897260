{#- What belongs here: the hour that is scored, spans between instants, and the zone of a source's times. -#}

{#- The hour that is scored, UTC. -#}
{%- macro as_of() -%}
timestamp '{{ var("as_of") | replace("T", " ") | replace("Z", "") }}'
{%- endmacro -%}

{#- Hours from one instant to another, as a fraction; never a count of boundaries. -#}
{%- macro hours_between(earlier, later) -%}
(cast({{ epoch_us(later) }} - {{ epoch_us(earlier) }} as double) / 3600000000)
{%- endmacro -%}

{#- The zone that a source declares (meta.zone beside its columns) for times without an offset. -#}
{%- macro source_zone(source_name) -%}
{%- set zone = namespace(name='UTC') -%}
{%- if execute -%}
    {%- for node in graph.get('sources', {}).values() if node.schema == 'raw' and node.name == source_name -%}
        {%- set zone.name = node.config.meta.zone or node.meta.zone or 'UTC' -%}
    {%- endfor -%}
{%- endif -%}
{{ return(zone.name) }}
{%- endmacro -%}
