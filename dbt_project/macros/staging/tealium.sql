{#-
    What belongs here: where a variable of Tealium's data layer stands. Not here: which variables are read
    (models/staging/stg_tealium.sql).
-#}

{#- A variable of the data layer: a column of its own, or in the data of a visitor's event; of lists one that is not empty. -#}
{%- macro tealium_variable(name) -%}
{{ first_full_list([name, json_text('event_data', '$.udo.' ~ name)]) }}
{%- endmacro -%}
