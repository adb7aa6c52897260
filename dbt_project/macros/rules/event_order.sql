{#-
    What belongs here: which of two events comes first. `event_number` in ordered_events and events is the place of an
    event in this order among those of its visitor: whoever has it needs no more. Not here: what each type of event does
    (models/carts, models/sessions).
-#}

{#- The order of events, of one visitor and between visitors: time, rank, id; the source breaks the last tie. -#}
{%- macro event_order(relation=none) -%}
{%- set prefix = relation ~ '.' if relation else '' -%}
{{ prefix }}event_at, {{ prefix }}event_rank, {{ prefix }}event_id, {{ prefix }}source
{%- endmacro -%}

{%- macro event_rank(event_type) -%}
case {{ event_type }}
    when 'view_item' then 1
    when 'add_to_cart' then 2
    when 'remove_from_cart' then 3
    when 'begin_checkout' then 4
    when 'purchase' then 5
    else 0
end
{%- endmacro -%}
