{#- What belongs here: which delivered ids stand for no person or thing, and how ids of our own are made. -#}

{#- An id of a person; null where it stands for no person. -#}
{%- macro person_id(column) -%}
{{ id_but_not(column, [
    '', '0', 'null', 'undefined', 'none', 'nan', 'anonymous',
    '00000000-0000-0000-0000-000000000000', '00000000000000000000000000000000',
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
]) }}
{%- endmacro -%}

{#- An id of a thing (event, item, order); unlike that of a person it may be 0. -#}
{%- macro thing_id(column) -%}
{{ id_but_not(column, ['', 'null', 'undefined', 'none', 'nan']) }}
{%- endmacro -%}

{#-
    Most ids are of another length than the words and have no blanks around them: these are passed on unread. A list of
    words behind `in` DuckDB would look up for every row.
-#}
{%- macro id_but_not(column, words) -%}
{%- set lengths = words | map('length') | unique | sort | join(', ') -%}
case
    when length({{ column }}) in ({{ lengths }}) or {{ column }} like ' %' or {{ column }} like '% ' then
        case lower(trim({{ column }}))
            {% for word in words -%}
                when '{{ word }}' then null
            {% endfor -%}
            else trim({{ column }})
        end
    else {{ column }}
end
{%- endmacro -%}

{#- The id of what a visitor began at an instant: it does not change with what arrives later. -#}
{%- macro started_id(kind, visitor_id, started_at) -%}
md5('{{ kind }}' || chr(31) || {{ visitor_id }} || chr(31) || cast({{ epoch_us(started_at) }} as string))
{%- endmacro -%}
