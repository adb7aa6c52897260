{#-
    What belongs here: when the view of a page is the view of an item or a list, when it stays a view of a page because
    the dump delivers that view by itself, and what it was at an instant between the two. Not here: what an address says
    (address_rules.sql).
-#}

{#- The type that a page view of a page is, null for one that stays what it is. -#}
{%- macro viewed_type(event_type, page_type) -%}
case
    when {{ event_type }} = 'page_view'
        then case {{ page_type }} when 'item' then 'view_item' when 'list' then 'view_item_list' end
end
{%- endmacro -%}

{#- A delivered view so close to a page view is of the same page load, before it or after it. -#}
{%- macro page_load_interval() -%}
interval '10' second
{%- endmacro -%}

{#- The type that counts: that of the page, unless `doubled_views` has the row. -#}
{%- macro counted_type(candidates, doubled) -%}
case
    when {{ doubled }}.row_key is null then coalesce({{ candidates }}.viewed_type, {{ candidates }}.event_type)
    else {{ candidates }}.event_type
end
{%- endmacro -%}

{#- The same for the item. -#}
{%- macro counted_item(candidates, doubled) -%}
case
    when {{ doubled }}.row_key is null then coalesce({{ candidates }}.item_id, {{ candidates }}.viewed_item_id)
    else {{ candidates }}.item_id
end
{%- endmacro -%}

{#- The type by the instant of the event itself: a view that the dump delivers later has not come yet. -#}
{%- macro type_by_then(candidates, doubled) -%}
case
    when {{ doubled }}.row_key is null or {{ doubled }}.view_until_at is not null
        then coalesce({{ candidates }}.viewed_type, {{ candidates }}.event_type)
    else {{ candidates }}.event_type
end
{%- endmacro -%}

{#-
    The type that counts at an instant: a page view is a view until the dump's own view comes. `doubled` is
    `doubled_views`, left joined by row_key.
-#}
{%- macro type_at(instant, event_type, doubled) -%}
case when {{ doubled }}.view_until_at > {{ instant }} then {{ doubled }}.viewed_type else {{ event_type }} end
{%- endmacro -%}
