{#-
    What belongs here: what is left of the address of a page before rules are read: its path without host, language and
    whatever else is not of the page. Parameters are read where a rule names them, so none that follows a campaign
    counts. Not here: the rules (address_rules.sql).
-#}

{#- The path as it stands in the address, with a host or without; null where the text is no address of a page. -#}
{%- macro delivered_path(url) -%}
case
    {#- nearly all are so; a pattern with a fixed beginning is read four times as fast #}
    when {{ url }} like 'https://%' or {{ url }} like 'http://%'
        then regexp_extract({{ url }}, '^https?://[^/?#]*([^?#]*)', 1)
    when {{ has_pattern(url, '^ *([A-Za-z][A-Za-z0-9+.-]*:)?//') }}
        then regexp_extract({{ url }}, '//[^/?#]*([^?#]*)', 1)
    when {{ has_pattern(url, '^ */') }}
        then regexp_extract({{ url }}, '(/[^?#]*)', 1)
    when {{ has_pattern(url, '^ *[^/?#: ]+[.][^/?#: ]+(:[0-9]+)?(/| *$)') }}
        then regexp_extract({{ url }}, '^[^/?#]*([^?#]*)', 1)
end
{%- endmacro -%}

{#- Without what is a visit's: behind a semicolon (;jsessionid=1), and parameters that no question mark begins (&gclid=1). -#}
{%- macro path_without_visit(path) -%}
case
    when {{ path }} like '%;%' or {{ path }} like '%&%=%'
        then {{ replaced_everywhere(path, ';[^/]*|&[A-Za-z0-9_.-]+=.*', '') }}
    else {{ path }}
end
{%- endmacro -%}

{#- With letters for their codes; an encoded slash stays what it is. -#}
{%- macro decoded_path(path) -%}
case
    when {{ path }} like '%!%%' escape '!'
        then {{ url_decoded("replace(replace(" ~ path ~ ", '%2F', '%252F'), '%2f', '%252F')") }}
    else {{ path }}
end
{%- endmacro -%}

{#- Without slashes that are twice or at the end, and without index.php and the like. -#}
{%- macro tidy_path(path) -%}
coalesce(nullif(case
    when
        {{ path }} like '%/' or {{ path }} like '% ' or {{ path }} like '%//%' or lower({{ path }}) like '%/index.%'
        then regexp_replace(
            regexp_replace({{ replaced_everywhere(path, '/+', '/') }}, '(?i)^/index[.]php/', '/'),
            '(?i)(/index[.](php|html?))?/* *$', ''
        )
    else {{ path }}
end, ''), '/')
{%- endmacro -%}

{#- Without the language, or the country and the language, that it begins with. -#}
{%- macro path_without_language(path) -%}
regexp_replace({{ path }}, '(?i){{ language_pattern() }}', '/')
{%- endmacro -%}

{#- Codes of ISO 639-1 that shops translate into, alone, with a region (de-at, pt_BR), or behind a country (/ch/fr). -#}
{%- macro language_pattern() -%}
^/(?:[a-z]{2}/)?(?:
{{- [
    'ar', 'bg', 'bn', 'bs', 'ca', 'cs', 'cy', 'da', 'de', 'el', 'en', 'es', 'et', 'eu', 'fa', 'fi', 'fr', 'ga', 'gl', 'he',
    'hi', 'hr', 'hu', 'hy', 'id', 'is', 'it', 'ja', 'ka', 'kk', 'ko', 'lt', 'lv', 'mk', 'ms', 'mt', 'nb', 'nl', 'nn', 'no',
    'pl', 'pt', 'ro', 'ru', 'sk', 'sl', 'sq', 'sr', 'sv', 'sw', 'ta', 'te', 'th', 'tl', 'tr', 'uk', 'ur', 'uz', 'vi', 'zh',
] | join('|') -}}
)(?:[-_][a-z]{2})?(?:/|$)
{%- endmacro -%}

{#- The first value of a parameter of page_url, with letters for codes and blanks for pluses; empty where it has none. -#}
{%- macro address_parameter(name) -%}
{{ url_decoded("replace(regexp_extract(page_url, " ~ text_literal(
    '(?i)^[^?#]*[?](?:[^#]*?&)??' ~ part_pattern(name, '') ~ '=([^&#]*)'
) ~ ", 1), '+', ' ')") }}
{%- endmacro -%}
