{#- Ids: which mean nobody, and how ours are made. -#}

{#- An id of a person that means nobody is null. -#}
{%- macro person_id(column) -%}
case
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
    when lower(trim({{ column }})) in ('', 'null', 'undefined', 'none', 'nan') then null
    else trim({{ column }})
end
{%- endmacro -%}

{#- The id of what a visitor began at an instant: the same whatever else arrives. -#}
{%- macro started_id(kind, visitor_id, started_at) -%}
md5('{{ kind }}' || chr(31) || {{ visitor_id }} || chr(31) || cast({{ epoch_us(started_at) }} as varchar))
{%- endmacro -%}
