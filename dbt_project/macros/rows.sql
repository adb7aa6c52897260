{#- The delivered row as a whole. -#}

{#-
    Load and line in one number, with room for 17 billion lines a file: a join on one column lets DuckDB look past
    the rows that cannot match, one on two does not.
-#}
{%- macro row_key(load_id, line) -%}
({{ load_id }} * 17179869184 + {{ line }})
{%- endmacro -%}

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
