{#-
    What belongs here: JSON lists in text columns, of which only some elements are asked for. Not here: one value out of
    an object or a list (json.sql), or what an item is (rules/items.sql).
-#}

{#-
    Of a JSON list, at a path with [*] at its end, the elements whose text at `key_path` begins with `beginning`: what
    each holds at `value_path`, as the text of a JSON list. Null where there is none.
-#}
{%- macro json_list_where(json, list_path, key_path, beginning, value_path) -%}
{{ return(adapter.dispatch('json_list_where')(json, list_path, key_path, beginning, value_path)) }}
{%- endmacro -%}

{%- macro duckdb__json_list_where(json, list_path, key_path, beginning, value_path) -%}
nullif(nullif(cast(to_json(list_transform(
    list_filter(
        json_extract({{ json }}, '{{ list_path }}'),
        lambda element: starts_with(json_extract_string(element, '{{ key_path }}'), '{{ beginning }}')
    ),
    lambda element: json_extract(element, '{{ value_path }}')
)) as varchar), '[]'), 'null')
{%- endmacro -%}

{#-
    Lists that stand beside each other, of which the nth elements belong together, as the text of one JSON list of
    objects: as many as the first list has. `lists` are texts by field, JSON lists or one value. Where the first cannot be
    read as a list, it is passed on as it is; so is an object, which is no value.
-#}
{%- macro json_zipped(lists) -%}
{{ return(adapter.dispatch('json_zipped')(lists)) }}
{%- endmacro -%}

{%- macro duckdb__json_zipped(lists) -%}
{%- set read = {} -%}
{%- for field, text in lists.items() -%}
    {%- do read.update({field:
        "case when trim(" ~ text ~ ") like '[%' then cast(try_cast(" ~ text ~ " as json) as varchar[]) when "
        ~ text ~ " not like '{%' then list_value(" ~ text ~ ") end"
    }) -%}
{%- endfor -%}
{%- set first = read.values() | first -%}
case
    when {{ first }} is not null
        then cast(to_json(list_transform(
            range(1, len({{ first }}) + 1),
            lambda place: struct_pack(
                {%- for field, list in read.items() %}
                {{ field }} := ({{ list }})[place]{{ ',' if not loop.last }}
                {%- endfor %}
            )
        )) as varchar)
    else {{ lists.values() | first }}
end
{%- endmacro -%}

{#- Of JSON lists that stand in several places for one thing, the first that is not empty; null where none is. -#}
{%- macro first_full_list(lists) -%}
coalesce(
    {%- for list in lists %}
    nullif({{ list }}, '[]'){{ ',' if not loop.last }}
    {%- endfor %}
)
{%- endmacro -%}
