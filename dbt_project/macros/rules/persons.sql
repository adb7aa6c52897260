{#- What belongs here: who a person of the log is. What does not: which user a visitor is (models/events, rules 6). -#}

{#- A user where visitors and users stand in one column; `ml/features.py` writes it so, too. -#}
{%- macro user_as_visitor(user_id) -%}
'user:' || {{ user_id }}
{%- endmacro -%}

{#- Whom an event, a cart or an order is of: the user where it is known, else the visitor. -#}
{%- macro person_id(owner_id, visitor_id) -%}
coalesce({{ user_as_visitor(owner_id) }}, {{ visitor_id }})
{%- endmacro -%}

{#-
    Adds a CTE: the visitors that `relation` has, each with the owner that was known of it last by the hour, or null. Of
    whom did nothing from `since` on there may be no row: of a long log no more is read.
-#}
{%- macro owners_by_the_hour(name, relation, since=none) -%}
{{ name }} as (

    select
        visitor_id,
        max_by(owner_id, event_number) as owner_id
    from {{ ref('ordered_events') }}
    where
        event_at <= {{ as_of() }}
        {% if since is not none -%}
            and event_at >= {{ since }}
        {% endif -%}
        and {{ keys_in(relation, ['visitor_id']) }}
    group by visitor_id

)
{%- endmacro -%}
