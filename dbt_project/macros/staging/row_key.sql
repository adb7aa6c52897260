{#-
    What belongs here: the number of a delivered row, by which tables of rows are joined. Not here: the id of an event,
    which several rows may share (rules/ids.sql).
-#}

{#-
    Load and line in one number, with room for 17 billion lines a file: a join on one column lets DuckDB look past
    the rows that cannot match, one on two does not.
-#}
{%- macro row_key(load_id, line) -%}
({{ load_id }} * 17179869184 + {{ line }})
{%- endmacro -%}
