{#-
    What a session takes from the first of its events that tells it: a page, a campaign, a device, a country. Which of
    these a row tells is kept as one number, so that ordering the log need not carry the texts.
-#}

{%- macro context_bits() -%}
{{ return({
    'page': (1, 'page_url'),
    'campaign': (2, 'coalesce(utm_source, utm_medium, utm_campaign)'),
    'device': (4, 'device_type'),
    'country': (8, 'country'),
}) }}
{%- endmacro -%}

{%- macro context_told() -%}
cast(
    {%- for bit, text in context_bits().values() %}
    case when {{ text }} is null then 0 else {{ bit }} end{% if not loop.last %} +{% endif %}
    {%- endfor %}
    as tinyint
)
{%- endmacro -%}

{%- macro tells(part, told='context_told') -%}
({{ told }} & {{ context_bits()[part][0] }}) != 0
{%- endmacro -%}
