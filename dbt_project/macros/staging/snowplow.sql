{#-
    What belongs here: where Snowplow's entities of a shop stand in an enriched event. Not here: their fields
    (models/staging/stg_snowplow.sql).
-#}

{#-
    The entities of a name, as the text of a JSON list: in JSON and tables a column of their own, in enriched rows among
    all entities of the event.
-#}
{%- macro snowplow_entities(name) -%}
{%- set schema = 'com.snowplowanalytics.snowplow.ecommerce/' ~ name ~ '/' -%}
{%- set among_all = json_list_where(json_object('contexts'), '$.data[*]', '$.schema', 'iglu:' ~ schema, '$.data') -%}
{{ first_full_list([
    'contexts_com_snowplowanalytics_snowplow_ecommerce_' ~ name ~ '_1',
    "case when contexts like '%" ~ schema ~ "%' then " ~ among_all ~ " end",
]) }}
{%- endmacro -%}
