{#-
    What belongs here: joins that the engines spell otherwise. Not here: joins by equal keys, which need no macro.
-#}

{#-
    A join to the one row of a relation that is nearest in time, per row on the left. `comparison` is `>=`: the last row
    at or before the instant; or `<`: the first row after it.

    keys: column of the relation to expression on the left; all that must be equal beside the time.
    at: the instant on the left. event_at: the relation's column of time, unique for its keys.
-#}
{%- macro asof_join(kind, relation, alias, keys, at, comparison, event_at) -%}
{{ return(adapter.dispatch('asof_join')(kind, relation, alias, keys, at, comparison, event_at)) }}
{%- endmacro -%}

{%- macro duckdb__asof_join(kind, relation, alias, keys, at, comparison, event_at) -%}
asof {{ kind }} join {{ relation }} as {{ alias }}
        on
            {% for column, expression in keys.items() -%}
                {{ expression }} = {{ alias }}.{{ column }}
                and {% endfor -%}
            {{ at }} {{ comparison }} {{ alias }}.{{ event_at }}
{%- endmacro -%}
