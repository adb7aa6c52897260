{#-
    What belongs here: the delivered row as a whole, as one text. Not here: the number of a row (staging/row_key.sql),
    or its fields one by one (models/staging).
-#}

{#- All delivered fields in the declared order, as one text: what two rows must share to be the same row. -#}
{%- macro row_content() -%}
{{ return(adapter.dispatch('row_content')()) }}
{%- endmacro -%}

{%- macro duckdb__row_content() -%}
cast(to_json(list_value(*columns(* exclude (_load_id, _line)))) as varchar)
{%- endmacro -%}

{#- The delivered row for people to read, as a JSON object. -#}
{%- macro row_as_json(relation) -%}
{{ return(adapter.dispatch('row_as_json')(relation)) }}
{%- endmacro -%}

{%- macro duckdb__row_as_json(relation) -%}
cast(json_merge_patch(to_json({{ relation }}), '{"_load_id": null, "_line": null}') as varchar)
{%- endmacro -%}
