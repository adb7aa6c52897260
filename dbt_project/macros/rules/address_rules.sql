{#-
    What belongs here: the rules by which the address of a page says what kind of page it is, of which category, and of
    which item. Not here: what is left of an address before rules are read (addresses.sql), and which page views become
    views (views.sql).

    A rule: pattern, page_type, category, item_id. The shop's own (address_rules.csv of its home, checked and handed over
    by orchestration) come before these; the first that matches counts. The language is explained in
    docs/address_rules.md.
-#}

{#- For shop systems whose addresses say by themselves what they are, as JSON: [pattern, page type]. -#}
{%- macro shipped_address_rules() -%}
{{ tojson([
    ['/?s=*', 'search'],
    ['/?product={item_id}', 'item'],
    ['/?product_cat={category}', 'list'],
    ['/', 'home'],

    ['/products/{item_id}', 'item'],
    ['/collections/all/products/{item_id}', 'item'],
    ['/collections/{category}/products/{item_id}', 'item'],
    ['/collections', 'list'],
    ['/collections/all/**', 'list'],
    ['/collections/types', 'list'],
    ['/collections/vendors', 'list'],
    ['/collections/{category}', 'list'],
    ['/collections/{category}/*', 'list'],
    ['/cart/**', 'cart'],
    ['/checkouts/**/thank-you', 'confirmation'],
    ['/checkouts/**/thank_you', 'confirmation'],
    ['/checkouts/**', 'checkout'],
    ['/blogs/**', 'article'],
    ['/pages/**', 'page'],
    ['/policies/**', 'page'],

    ['/product/**/{item_id}', 'item'],
    ['/product-category/**/{category}/page/*', 'list'],
    ['/product-category/**/{category}', 'list'],
    ['/product-tag/**', 'list'],
    ['/shop', 'list'],
    ['/shop/page/*', 'list'],
    ['/checkout/order-received/**', 'confirmation'],
    ['/my-account/**', 'account'],

    ['/catalog/product/view/id/{item_id}/**', 'item'],
    ['/catalog/category/view/id/{category}/**', 'list'],
    ['/catalog/category/view/s/*/id/{category}/**', 'list'],
    ['/catalogsearch/**', 'search'],
    ['/checkout/onepage/success', 'confirmation'],
    ['/multishipping/checkout/success', 'confirmation'],
    ['/multishipping/**', 'checkout'],
    ['/customer/**', 'account'],
    ['/sales/**', 'account'],

    ['/detail/{item_id}', 'item'],
    ['/navigation/{category}', 'list'],
    ['/checkout/finish/**', 'confirmation'],

    ['/search/**', 'search'],
    ['/checkout/cart/**', 'cart'],
    ['/checkout/**', 'checkout'],
    ['/account/**', 'account'],
    ['/wishlist/**', 'account'],
]) }}
{%- endmacro -%}

{#- All rules in their order, the shop's own first, as JSON. -#}
{%- macro address_rules() -%}
{%- set rules = [] -%}
{%- for rule in var('address_rules') -%}
    {%- do rules.append(rule) -%}
{%- endfor -%}
{%- for pattern, page_type in fromjson(shipped_address_rules()) -%}
    {%- do rules.append({'pattern': pattern, 'page_type': page_type, 'category': '', 'item_id': 0}) -%}
{%- endfor -%}
{{ tojson(rules) }}
{%- endmacro -%}

{#-
    All rows of a relation with what the rules say of page_url: page_type, page_category, page_item_text (the item as it
    stands there); and its path. Step by step, as each step reads what the one before it left.
-#}
{%- macro meanings_of_addresses(relation) -%}
with

delivered_paths as (

    select
        *,
        {{ delivered_path('page_url') }} as delivered_path
    from {{ relation }}

),

visitless_paths as (

    select
        *,
        {{ path_without_visit('delivered_path') }} as visitless_path
    from delivered_paths

),

decoded_paths as (

    select
        *,
        {{ decoded_path('visitless_path') }} as decoded_path
    from visitless_paths

),

full_paths as (

    select
        *,
        case when delivered_path is not null then {{ tidy_path('decoded_path') }} end as full_path
    from decoded_paths

),

paths as (

    select
        *,
        {{ path_without_language('full_path') }} as path
    from full_paths

),

lower_paths as (

    select
        *,
        lower(full_path) as lower_full_path,
        split_part(lower(full_path), '/', 2) as first_of_full_path,
        lower(path) as lower_path,
        split_part(lower(path), '/', 2) as first_of_path
    from paths

),

ruled as (

    select
        *,
        {{ address_rule_number() }} as rule_number
    from lower_paths

)

select
    *,
    {{ rule_page_type() }} as page_type,
    {{ rule_category() }} as page_category,
    {{ rule_item_id() }} as page_item_text
from ruled
{%- endmacro -%}

{#- The number of the first rule that matches, from 0; null for none. Reads page_url and the columns of addresses.sql. -#}
{%- macro address_rule_number() -%}
case
    {%- for rule in fromjson(address_rules()) %}
    when {{ is_address_of(rule.pattern) }} then {{ loop.index0 }}
    {%- endfor %}
end
{%- endmacro -%}

{%- macro rule_page_type(number='rule_number') -%}
case {{ number }}
    {%- for rule in fromjson(address_rules()) %}
    when {{ loop.index0 }} then '{{ rule.page_type }}'
    {%- endfor %}
end
{%- endmacro -%}

{#- The category of the rule, or the text that its {category} stands for; null for neither. -#}
{%- macro rule_category(number='rule_number') -%}
case {{ number }}
    {%- for rule in fromjson(address_rules()) %}
    {%- if rule.category %}
    when {{ loop.index0 }} then {{ text_literal(rule.category) }}
    {%- elif '{category}' in rule.pattern %}
    when {{ loop.index0 }} then {{ named_text(rule.pattern, 'category') }}
    {%- endif %}
    {%- endfor %}
end
{%- endmacro -%}

{#- The text that {item_id} of the rule stands for, or the part of the path whose number the rule gives, else null. -#}
{%- macro rule_item_id(number='rule_number') -%}
case {{ number }}
    {%- for rule in fromjson(address_rules()) %}
    {%- if rule.item_id %}
    when {{ loop.index0 }} then nullif(split_part({{ path_read_by(rule.pattern) }}, '/', {{ rule.item_id + 1 }}), '')
    {%- elif '{item_id}' in rule.pattern %}
    when {{ loop.index0 }} then {{ named_text(rule.pattern, 'item_id') }}
    {%- endif %}
    {%- endfor %}
end
{%- endmacro -%}

{#- Whether an address fits a pattern: its path, and each parameter that the pattern names. -#}
{%- macro is_address_of(pattern) -%}
{%- set path = pattern.partition('?')[0].rstrip('/') | lower -%}
{%- set first = path.split('/')[1] if path else '' -%}
{%- set read = path_read_by(pattern) -%}
{%- if path == '/**' -%}
{{ read }} is not null
{%- elif '*' not in path and '{' not in path -%}
lower_{{ read }} = {{ text_literal(path or '/') }}
{%- elif '*' not in first and '{' not in first -%}
first_of_{{ read }} = {{ text_literal(first) }} and {{ has_pattern('lower_' ~ read, path_pattern(path)) }}
{%- else -%}
{{ has_pattern('lower_' ~ read, path_pattern(path)) }}
{%- endif -%}
{%- for parameter in pattern.partition('?')[2].split('&') if parameter %}
{%- set name, value = parameter.split('=') %}
        and {{ has_pattern(address_parameter(name), '(?i)^' ~ part_pattern(value, '[^#]') ~ '$') }}
{%- endfor -%}
{%- endmacro -%}

{#- A pattern of the shop's that begins with a language reads the path with it, all others the path without. -#}
{%- macro path_read_by(pattern) -%}
{{ 'full_path' if modules.re.match(language_pattern(), pattern.partition('?')[0] | lower) else 'path' }}
{%- endmacro -%}

{#- The text of a matching address that a name in the pattern stands for. -#}
{%- macro named_text(pattern, name) -%}
{%- set path, _, query = pattern.partition('?') -%}
{%- if '{' ~ name ~ '}' in path -%}
nullif(regexp_extract({{ path_read_by(pattern) }}, {{ text_literal('(?i)' ~ path_pattern(path.rstrip('/'), name)) }}, 1), '')
{%- else -%}
{%- for parameter in query.split('&') if '{' ~ name ~ '}' in parameter -%}
{%- set parameter_name, value = parameter.split('=') -%}
nullif(regexp_extract({{ address_parameter(parameter_name) }}, {{ text_literal('(?i)^' ~ part_pattern(value, '[^#]', name) ~ '$') }}, 1), '')
{%- endfor -%}
{%- endif -%}
{%- endmacro -%}

{#- A path of the rule language as a regular expression; the name's text is its only group. -#}
{%- macro path_pattern(path, name='') -%}
^
{%- for part in path.split('/')[1:] -%}
    {%- if part == '**' -%}
(?:/[^/]+)*
    {%- else -%}
/{{ part_pattern(part, '[^/]', name) }}
    {%- endif -%}
{%- endfor -%}
$
{%- endmacro -%}

{#- A part of it: a star takes as much as it can, a name as little. -#}
{%- macro part_pattern(part, character, name='') -%}
{%- for token in modules.re.split('([*]|[{]item_id[}]|[{]category[}])', part) -%}
    {%- if token == '*' -%}
{{ character }}{{ '+' if part == '*' else '*' }}
    {%- elif token == '{' ~ name ~ '}' -%}
({{ character }}+?)
    {%- elif token in ('{item_id}', '{category}') -%}
{{ character }}+?
    {%- else -%}
{{ modules.re.sub('([][.+()|$?])', '[\\1]', token) }}
    {%- endif -%}
{%- endfor -%}
{%- endmacro -%}
