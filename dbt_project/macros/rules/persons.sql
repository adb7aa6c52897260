{#- What belongs here: who a person of the log is. What does not: which user a visitor is (models/events, rules 6). -#}

{#- A user where visitors and users stand in one column; `ml/features.py` writes it so, too. -#}
{%- macro user_as_visitor(user_id) -%}
'user:' || {{ user_id }}
{%- endmacro -%}

{#- Whom an event, a cart or an order is of: the user where it is known, else the visitor. -#}
{%- macro person_id(owner_id, visitor_id) -%}
coalesce({{ user_as_visitor(owner_id) }}, {{ visitor_id }})
{%- endmacro -%}
