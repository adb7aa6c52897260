{#-
    What belongs here: what the yml of a segment says of it, and what segments share. Not here: who is in a segment
    (models/segments), or which of a group counts (models/people/segment_members.sql).
-#}

{#- A value of config.meta of a segment, where it is not given the default. -#}
{%- macro segment_meta(name, key, default) -%}
{%- set found = namespace(value=default) -%}
{%- if execute -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.name == name -%}
        {%- set found.value = node.config.meta.get(key, default) -%}
    {%- endfor -%}
{%- endif -%}
{{ return(found.value) }}
{%- endmacro -%}

{#- The group as SQL: a text, or null for a segment that excludes no other. -#}
{%- macro segment_group(name) -%}
{%- set group = segment_meta(name, 'group', '') -%}
{{ return("'" ~ group ~ "'" if group else 'cast(null as string)') }}
{%- endmacro -%}

{#- Whose carts the hour's scores put into a segment of carts. -#}
{%- macro members_by_cart(segment) -%}
select {{ person_id('owner_id', 'visitor_id') }} as person_id
from {{ source('scores', 'cart_scores') }}
where
    scored_at = {{ as_of() }}
    and segment = '{{ segment }}'
{%- endmacro -%}
