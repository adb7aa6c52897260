{#- What belongs here: JSON in text columns, which each engine reads in its own way. -#}

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

{#- The texts at several paths, read at once; `listed_text` gives one of them. -#}
{%- macro json_texts(json, paths) -%}
{{ return(adapter.dispatch('json_texts')(json, paths)) }}
{%- endmacro -%}

{%- macro duckdb__json_texts(json, paths) -%}
json_extract_string({{ json }}, ['{{ paths | join("', '") }}'])
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
