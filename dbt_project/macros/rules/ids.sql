{#-
    What belongs here: which delivered ids mean nobody, what an id is that was written as a float, and how ids of our
    own are made. Landing renders known_id() (orchestration/landing/ids.py), so it knows the erased in every spelling.
    Not here: who a visitor is by their ids (models/events) and what a person is (persons.sql).
-#}

{#- Words that stand in the place of an id, as a list in JSON; the shop's own follow them. -#}
{%- macro placeholder_words() -%}
{{ tojson([
    'null', 'nil', 'none', 'nan', 'n/a', 'na', 'undefined', 'unknown', '(not set)', '(none)', '\\N', 'anonymous',
    'guest', '[object object]', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    '(no consent)',
] + var('ids').placeholders) }}
{%- endmacro -%}

{#- Of these words what a source says in the place of a visitor who did not agree to be known. -#}
{%- macro no_consent() -%}
{{ return('(no consent)') }}
{%- endmacro -%}

{#-
    An id of a visitor, a user, an order or an event, without the blanks around it; null where it means nobody.

    Most ids are plain: none of the words begins like them, and they have no blank and no point. These are passed on after
    a glance, unless the shop has words of its own.
-#}
{%- macro known_id(column) -%}
case
    {% if not var('ids').placeholders -%}
    when {{ has_pattern(column, '^[1-9B-DFH-MO-TV-Zb-dfh-mo-tv-z][0-9A-Za-z_-]*$') }} then {{ column }}
    {% endif -%}
    when {{ is_placeholder(column) }} then null
    else {{ id_as_number(column) }}
end
{%- endmacro -%}

{#-
    Whether a text stands for nobody: one of the words, also in quotes or repeated with -; or nothing but zeros, dashes,
    braces, quotes and blanks. Nought that was written as a float is one of the zeros: 0,0 and 0.0E+00.
-#}
{%- macro is_placeholder(column) -%}
{%- set quotes_and_blanks = '"\'`\\x{ab}\\x{bb}\\x{2018}-\\x{201f}' ~ blank_class() -%}
{%- set words = [] -%}
{%- for word in fromjson(placeholder_words()) -%}
    {%- do words.append(modules.re.escape(word.strip())) -%}
{%- endfor -%}
{%- set nought = '0*(?:[.]0+)?|0+(?:[.]|,0)|0(?:[.,]0+e[+]?|e[+])[0-9]{1,3}' -%}
{%- set word = '[' ~ quotes_and_blanks ~ ']*(?:' ~ words | join('|') ~ '|' ~ nought ~ ')[' ~ quotes_and_blanks ~ ']*' -%}
{{ has_pattern(column, '^(?i:' ~ word ~ '(?:-' ~ word ~ ')*|[' ~ quotes_and_blanks ~ other_dashes() ~ '{}0-]*)$') }}
{%- endmacro -%}

{#- Whether a field that holds no id was not given; nan is a number that went wrong. -#}
{%- macro is_not_given(column) -%}
{{ is_one_of('lower(trim(' ~ column ~ '))', [
    '', '-', '--', 'null', 'nil', 'none', 'n/a', 'na', 'undefined', 'unknown', '(not set)', '(none)', '\\n',
]) }}
{%- endmacro -%}

{#- Whether a text is one of some words. Of a list in SQL DuckDB makes a join, also where only few rows ask for it. -#}
{%- macro is_one_of(text, words) -%}
case {{ text }}
    {% for word in words -%}
    when {{ text_literal(word) }} then true
    {% endfor -%}
    else false
end
{%- endmacro -%}

{#- A text that a dump may leave out by writing \N; other words may be meant. -#}
{%- macro given_text(column) -%}
nullif({{ column }}, {{ text_literal('\\N') }})
{%- endmacro -%}

{#-
    An id of an item, without the blanks around it: it may be 0, and fewer words stand for none, those that no article is
    numbered with. Most are plain, and begin like none of the words: these are passed on after a glance.
-#}
{%- macro item_id(column) -%}
{%- set words = [
    '', 'null', 'nil', 'none', 'nan', 'n/a', 'undefined', '(not set)', '(none)', '\\n', '[object object]',
] -%}
case
    when {{ has_pattern(column, '^[0-9A-MO-TV-Za-mo-tv-z_-][0-9A-Za-z_-]*$') }} then {{ column }}
    when {{ is_one_of('lower(' ~ trim_blanks(column) ~ ')', words) }} then null
    else {{ id_as_number(column) }}
end
{%- endmacro -%}

{#-
    An id without the blanks around it; a whole number of up to 15 digits that was written as a float, and of which no
    digit was lost, as that number. What writes decimal commas writes 90001,0; more zeros may be thousands.
-#}
{%- macro id_as_number(column) -%}
{%- set blanks = '[' ~ blank_class() ~ ']*' -%}
{%- set float = "replace(regexp_extract(" ~ column ~ ", '[0-9.,eE+-]+', 0), ',', '.')" -%}
case
    when {{ has_pattern(column, '^' ~ blanks ~ '-?[0-9]{1,15}(?:[.]0*|,0)' ~ blanks ~ '$') }}
        then cast(try_cast(regexp_extract({{ column }}, '-?[0-9]+', 0) as bigint) as string)
    when
        {{ has_pattern(column, '^' ~ blanks ~ exponent_pattern() ~ blanks ~ '$') }}
        and {{ has_all_digits(float) }}
        and {{ as_decimal(float) }} = floor({{ as_decimal(float) }})
        then cast(try_cast({{ as_decimal(float) }} as bigint) as string)
    else {{ trim_blanks(column) }}
end
{%- endmacro -%}

{#-
    Whether an id was rounded on its way: a float that shows fewer digits than it had, or that had more than 15. Other
    people may have the same. Such an id begins with a digit or a minus and has a point or a plus: few have.
-#}
{%- macro is_rounded_id(id) -%}
case
    when {{ id }} < ':'
        then case
            when {{ id }} like '%.%' or {{ id }} like '%+%' or {{ id }} like '%,%'
                then {{ has_pattern(id, '^-?[0-9]{16,}(?:[.]0*|,0)$') }}
                    or ({{ has_pattern(id, '^' ~ exponent_pattern() ~ '$') }} and not {{ has_all_digits(id) }})
            else false
        end
    else false
end
{%- endmacro -%}

{#- A float with an exponent; without a point or a plus it may as well be a hexadecimal number. -#}
{%- macro exponent_pattern() -%}
{{ return('-?[0-9](?:[.,][0-9]+[eE][+]?|[eE][+])[0-9]{1,3}') }}
{%- endmacro -%}

{%- macro has_all_digits(float) -%}
try_cast(regexp_extract({{ float }}, '[0-9]+$', 0) as integer) <= least(length(regexp_extract({{ float }}, '[.,]([0-9]*)', 1)), 14)
{%- endmacro -%}

{#- A float of at most 15 digits before the point. -#}
{%- macro as_decimal(float) -%}
try_cast({{ float }} as decimal(38, 15))
{%- endmacro -%}

{#- The id of what a visitor began at an instant: it does not change with what arrives later. -#}
{%- macro started_id(kind, visitor_id, started_at) -%}
md5('{{ kind }}' || chr(31) || {{ visitor_id }} || chr(31) || cast({{ epoch_us(started_at) }} as string))
{%- endmacro -%}
