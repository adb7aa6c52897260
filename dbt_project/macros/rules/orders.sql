{#- What belongs here: what makes purchases one order, and how many units of an item they buy. -#}

{#- Purchases with one order_id are one order; without one those of a visitor at one time are. -#}
{%- macro order_key() -%}
md5(case
    when order_id is not null then 'id' || chr(31) || order_id
    else 'at' || chr(31) || visitor_id || chr(31) || cast({{ epoch_us('event_at') }} as string)
end)
{%- endmacro -%}

{#- A quantity below 0 buys nothing, one that is not given buys one. -#}
{%- macro bought_units(quantity) -%}
cast(greatest(coalesce({{ quantity }}, 1), 0) as bigint)
{%- endmacro -%}
