{#- Ids: which mean nobody, and how ours are made. -#}

{#- An id of a person that means nobody is null. -#}
{%- macro person_id(column) -%}
case
    {#- the length of most ids is that of none of these words #}
    when length({{ column }}) between 10 and 31 and {{ has_no_edge_blanks(column) }} then {{ column }}
    when lower(trim({{ column }})) in (
        '', '0', 'null', 'undefined', 'none', 'nan', 'anonymous',
        '00000000-0000-0000-0000-000000000000', '00000000000000000000000000000000',
        'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
    ) then null
    else trim({{ column }})
end
{%- endmacro -%}

{#- An id of a thing (event, item, order); unlike a person's it may be 0. -#}
{%- macro thing_id(column) -%}
case
    when length({{ column }}) > 9 and {{ has_no_edge_blanks(column) }} then {{ column }}
    when lower(trim({{ column }})) in ('', 'null', 'undefined', 'none', 'nan') then null
    else trim({{ column }})
end
{%- endmacro -%}

{%- macro has_no_edge_blanks(column) -%}
{{ column }} not like ' %' and {{ column }} not like '% '
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
