{#-
    What belongs here: how amounts and quantities are read as numbers, and what is noted where they cannot be. Not here:
    currencies (currencies.sql) and exchanging amounts (money.sql).
-#}

{#- The code that is noted of an optional field that was given and cannot be used, else null; the event is kept. -#}
{%- macro repair_reason(code, text, is_usable) -%}
case
    when {{ text }} is not null and not coalesce({{ is_usable }}, false) and not {{ is_not_given(text) }} then '{{ code }}'
end
{%- endmacro -%}

{#- How a source declares its decimals (meta.decimal beside its columns): comma, or nothing for points. -#}
{%- macro has_decimal_commas(source_name) -%}
{%- set found = namespace(decimal='point') -%}
{%- if execute -%}
    {%- for node in graph.get('sources', {}).values() if node.schema == 'raw' and node.name == source_name -%}
        {%- set found.decimal = node.config.meta.decimal or node.meta.decimal or 'point' -%}
    {%- endfor -%}
{%- endif -%}
{{ return(found.decimal == 'comma') }}
{%- endmacro -%}

{#- Whether an amount can only be meant with a decimal comma: 19,90 or 1.299,00. -#}
{%- macro is_comma_amount(text) -%}
{{ has_pattern(text, '^ *-?([0-9]+|[0-9]{1,3}([.][0-9]{3})+),[0-9]{1,2} *$') }}
{%- endmacro -%}

{#- Whether an amount can only be meant with a decimal point: 19.90 or 1,299.00, but not 1.299. -#}
{%- macro is_point_amount(text) -%}
(
    {{ has_pattern(text, '^ *-?[0-9,]*[.][0-9]+ *$') }}
    and not {{ has_pattern(text, '^ *-?[1-9][0-9]{0,2}([.][0-9]{3})+ *$') }}
)
{%- endmacro -%}

{#-
    A delivered number as the engine reads numbers. With decimal commas points and blanks are between thousands: 1.299 is
    a thousand and more; what can only be meant with a decimal point is.
-#}
{%- macro number_text(text, is_comma) -%}
case
    when {{ is_comma }} and {{ has_pattern(text, ',') }} and not {{ has_pattern(text, ',.*[.,]') }}
        then replace(replace({{ without_blanks(text) }}, '.', ''), ',', '.')
    when {{ is_comma }} and {{ has_pattern(text, '^ *-?[1-9][0-9]{0,2}([.][0-9]{3})+ *$') }}
        then replace({{ text }}, '.', '')
    else {{ text }}
end
{%- endmacro -%}

{#- A quantity that is used: any whole number; the rules of carts say what 0 and those below it do. -#}
{%- macro is_whole_quantity(number) -%}
(abs({{ number }}) <= 2147483647 and {{ number }} = floor({{ number }}))
{%- endmacro -%}
