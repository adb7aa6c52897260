{#-
    What belongs here: JSON in text columns, which each engine reads in its own way. Not here: which fields a source has
    (staging/ and models/staging), or choosing among the elements of a list (json_lists.sql).
-#}

{#- The text as JSON, null when it cannot be read: of a broken object the fields are lost, not the row. -#}
{%- macro json_object(column) -%}
{{ return(adapter.dispatch('json_object')(column)) }}
{%- endmacro -%}

{%- macro duckdb__json_object(column) -%}
try_cast({{ column }} as json)
{%- endmacro -%}

{#- A field of it as text, null where there is none. -#}
{%- macro json_text(json, path) -%}
{{ return(adapter.dispatch('json_text')(json, path)) }}
{%- endmacro -%}

{%- macro duckdb__json_text(json, path) -%}
json_extract_string({{ json }}, '{{ path }}')
{%- endmacro -%}

{#-
    The texts at several paths, read at once; `listed_text` gives one of them. `has_commas`: texts have decimal commas, and
    a number that would be taken for one with points between thousands gets another zero, as landing does it
    (orchestration/landing/decimals.py).
-#}
{%- macro json_texts(json, paths, has_commas=false) -%}
{{ return(adapter.dispatch('json_texts')(json, paths, has_commas)) }}
{%- endmacro -%}

{%- macro duckdb__json_texts(json, paths, has_commas) -%}
{%- set listed = "['" ~ paths | join("', '") ~ "']" -%}
{%- if has_commas -%}
list_transform(json_extract({{ json }}, {{ listed }}), lambda value: case
    when json_type(value) = 'DOUBLE' and {{ has_pattern("(value ->> '$')", '^-?' ~ comma_thousands() ~ '$') }}
        then (value ->> '$') || '0'
    else value ->> '$'
end)
{%- else -%}
json_extract_string({{ json }}, {{ listed }})
{%- endif -%}
{%- endmacro -%}

{#- One of several texts, by its place from 0. -#}
{%- macro listed_text(texts, place) -%}
{{ return(adapter.dispatch('listed_text')(texts, place)) }}
{%- endmacro -%}

{%- macro duckdb__listed_text(texts, place) -%}
{{ texts }}[{{ place + 1 }}]
{%- endmacro -%}

{#- Whether a text is a JSON list of objects and of nothing else; an empty one is. -#}
{%- macro is_json_list(column) -%}
{{ return(adapter.dispatch('is_json_list')(column)) }}
{%- endmacro -%}

{%- macro duckdb__is_json_list(column) -%}
coalesce(len(list_filter(try_cast({{ column }} as json[]), lambda element: json_type(element) != 'OBJECT')) = 0, false)
{%- endmacro -%}

{#-
    The objects of the JSON list in a column, one row each: all columns of the relation, `item`, which json_text reads,
    and `item_number`, its place in the list from 1. What is no list gives none.
-#}
{%- macro json_elements(relation, column) -%}
{{ return(adapter.dispatch('json_elements')(relation, column)) }}
{%- endmacro -%}

{%- macro duckdb__json_elements(relation, column) -%}
(
    select *
    from (
        select
            * exclude (element_list),
            unnest(element_list) as item,
            generate_subscripts(element_list, 1) as item_number
        from (
            select
                *,
                try_cast({{ column }} as json[]) as element_list
            from {{ relation }}
            where {{ column }} is not null
        ) as lists
    ) as elements
    where json_type(item) = 'OBJECT'
)
{%- endmacro -%}

{#-
    Names and texts of a JSON list of pairs, such as [{"key": "k", "value": {"string_value": "v"}}], which `paired_text`
    reads: the list is parsed once, whatever is asked of it. `text_paths`: where the text of a pair may be, the first that
    has one counts.
-#}
{%- macro json_pairs(column, name_path, text_paths) -%}
{{ return(adapter.dispatch('json_pairs')(column, name_path, text_paths)) }}
{%- endmacro -%}

{%- macro duckdb__json_pairs(column, name_path, text_paths) -%}
struct_pack(
    names := list_transform(try_cast({{ column }} as json[]), lambda pair: json_extract_string(pair, '{{ name_path }}')),
    texts := list_transform(
        try_cast({{ column }} as json[]),
        lambda pair: list_filter(
            json_extract_string(pair, ['{{ text_paths | join("', '") }}']), lambda text: text is not null
        )[1]
    )
)
{%- endmacro -%}

{#- The text of the pair of that name, null where there is none. -#}
{%- macro paired_text(pairs, name) -%}
{{ return(adapter.dispatch('paired_text')(pairs, name)) }}
{%- endmacro -%}

{%- macro duckdb__paired_text(pairs, name) -%}
nullif(struct_extract({{ pairs }}, 'texts')[list_position(struct_extract({{ pairs }}, 'names'), '{{ name }}')], '')
{%- endmacro -%}

{#- The texts at a path with a wildcard, such as $[*].item_id, as one text; null where there are none. -#}
{%- macro json_texts_in_all(column, path) -%}
{{ return(adapter.dispatch('json_texts_in_all')(column, path)) }}
{%- endmacro -%}

{%- macro duckdb__json_texts_in_all(column, path) -%}
nullif(
    array_to_string(
        list_filter(json_extract_string(try_cast({{ column }} as json), '{{ path }}'), lambda text: text is not null), chr(31)
    ),
    ''
)
{%- endmacro -%}
