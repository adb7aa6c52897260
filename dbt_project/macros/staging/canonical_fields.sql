{#-
    What belongs here: what every source is brought to. Not here: where a source has them (models/staging), or what
    becomes of their texts (rules/).
-#}

{#- The text fields that every staging model passes on, in the order in which they are declared. -#}
{%- macro canonical_fields() -%}
{{ return([
    'event_id', 'visitor_id', 'user_id', 'event_at', 'event_type', 'item_id', 'item_category', 'item_brand',
    'quantity', 'price', 'currency', 'order_id', 'order_value', 'page_url', 'referrer', 'utm_source', 'utm_medium',
    'utm_campaign', 'device_type', 'country', 'items',
]) }}
{%- endmacro -%}

{#- Fields of ours that a source has nothing for; the last columns of a staging model. -#}
{%- macro null_fields() -%}
{%- for field in varargs -%}
{%- if field not in canonical_fields() -%}
    {{ exceptions.raise_compiler_error(field ~ ' is no field of an event: use ' ~ canonical_fields() | join(', ')) }}
{%- endif -%}
cast(null as string) as {{ field }}{% if not loop.last %}, {% endif %}
{%- endfor -%}
{%- endmacro -%}

{#-
    Where the fields of an item stand in an element of `items`: JSON paths by field, the first that has a value counts.
    A source declares them beside its columns (meta.items); otherwise they have our names.
-#}
{%- macro item_paths(source_name) -%}
{%- set fields = [
    'item_id', 'item_name', 'item_category', 'item_brand', 'quantity', 'price', 'currency', 'item_url', 'image_url',
] -%}
{%- set found = namespace(paths={}) -%}
{%- if execute -%}
    {%- for node in graph.get('sources', {}).values() if node.schema == 'raw' and node.name == source_name -%}
        {%- set found.paths = node.config.meta.get('items') or node.meta.get('items') or {} -%}
    {%- endfor -%}
{%- endif -%}
{%- set paths = {} -%}
{%- for field in fields -%}
    {%- do paths.update({field: found.paths.get(field, ['$.' ~ field])}) -%}
{%- endfor -%}
{{ return(paths) }}
{%- endmacro -%}
