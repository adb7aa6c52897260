{#- What belongs here: where a variable of Tealium's data layer stands. -#}

{#- A variable of the data layer: a column of its own, or in the data of a visitor's event. -#}
{%- macro tealium_variable(name) -%}
coalesce({{ name }}, {{ json_text('event_data', '$.udo.' ~ name) }})
{%- endmacro -%}
