{#-
    What belongs here: what a session takes from the first of its events that has it: a page, a campaign, a device, a
    country. Which of these a row has is kept as one number, so that ordering the log need not carry the texts; it also
    says which views were page views (`viewed_page`). Not here: putting them into sessions (models/sessions).
-#}

{#- The bit of each part, and the fields it stands for. -#}
{%- macro context_bits() -%}
{{ return({
    'page': (1, 'page_url'),
    'campaign': (2, 'coalesce(utm_source, utm_medium, utm_campaign)'),
    'device': (4, 'device_type'),
    'country': (8, 'country'),
    'viewed_page': (viewed_page_bit() | int, 'viewed_type'),
}) }}
{%- endmacro -%}

{#- The bits of the parts that a delivered row has, added up. -#}
{%- macro context_flags() -%}
cast(
    {%- for bit, text in context_bits().values() %}
    case when {{ text }} is null then 0 else {{ bit }} end{% if not loop.last %} +{% endif %}
    {%- endfor %}
    as tinyint
)
{%- endmacro -%}

{#- Whether a row of these flags has a part. -#}
{%- macro has_context(part, flags='context_flags') -%}
({{ flags }} & {{ context_bits()[part][0] }}) != 0
{%- endmacro -%}
