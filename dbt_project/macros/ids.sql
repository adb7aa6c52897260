{#- Ids: which mean nobody, and how ours are made. -#}

{#- An id of a person that means nobody is null. -#}
{%- macro person_id(column) -%}
{{ id_but_not(column, [
    '', '0', 'null', 'undefined', 'none', 'nan', 'anonymous',
    '00000000-0000-0000-0000-000000000000', '00000000000000000000000000000000',
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
]) }}
{%- endmacro -%}

{#- An id of a thing (event, item, order); unlike a person's it may be 0. -#}
{%- macro thing_id(column) -%}
{{ id_but_not(column, ['', 'null', 'undefined', 'none', 'nan']) }}
{%- endmacro -%}

{#-
    Most ids have another length than the words and no blank to lose, and are told by that; a list of words behind `in`
    DuckDB would look up for every row.
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

{#- The id of what a visitor began at an instant: the same whatever else arrives. -#}
{%- macro started_id(kind, visitor_id, started_at) -%}
md5('{{ kind }}' || chr(31) || {{ visitor_id }} || chr(31) || cast({{ epoch_us(started_at) }} as varchar))
{%- endmacro -%}

{#- A whole number that equal values share, and others hardly ever. -#}
{%- macro hash_number(columns) -%}
{{ return(adapter.dispatch('hash_number')(columns)) }}
{%- endmacro -%}

{%- macro duckdb__hash_number(columns) -%}
hash({{ columns | join(', ') }})
{%- endmacro -%}
