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
{%- set declared = source_meta(source_name, 'items', {}) -%}
{%- set paths = {} -%}
{%- for field in fields -%}
    {%- do paths.update({field: declared.get(field, ['$.' ~ field])}) -%}
{%- endfor -%}
{{ return(paths) }}
{%- endmacro -%}
