{#- What belongs here: who a person of the log is. What does not: which user a visitor is (models/events, rules 6). -#}

{#- Whom an event, a cart or an order is of: the user where it is known, else the visitor. -#}
{%- macro person_id(owner_id, visitor_id) -%}
coalesce('user:' || {{ owner_id }}, {{ visitor_id }})
{%- endmacro -%}
