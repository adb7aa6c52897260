{#-
    What belongs here: how amounts and quantities are read as numbers, and what is noted where they cannot be. Not here:
    currencies (currencies.sql) and exchanging amounts (money.sql).
-#}

{#-
    The code that is noted of an optional field that was given and cannot be used, and what it says; else null. The event
    is kept. Of several of a row `repairs_of_row` makes one text, out of which `repaired_text` takes what a field said.
    A long text is cut in front of a word that is no number: of an address cut in two nobody would see that it is one.
-#}
{%- macro repair_reason(code, text, is_usable) -%}
case
    when {{ text }} is not null and not coalesce({{ is_usable }}, false) and not {{ is_not_given(text) }}
        then '{{ code }} ' || case
            when length({{ text }}) <= 200 then replace({{ text }}, chr(31), ' ')
            else {{ replaced_everywhere("left(replace(" ~ text ~ ", chr(31), ' '), 200)", '[^\\s]*[^\\s0-9][^\\s]*$', '') }}
        end
end
{%- endmacro -%}

{#- What is noted of a row, of several reasons; null for none. -#}
{%- macro repairs_of_row(reasons) -%}
nullif(concat_ws(chr(31), {{ reasons | join(', ') }}), '')
{%- endmacro -%}

{#- Whether a reason is among those that are noted of a row. -#}
{%- macro has_repair(repairs, code) -%}
chr(31) || {{ repairs }} like '%' || chr(31) || '{{ code }} %'
{%- endmacro -%}

{#- What the field said of which a reason is noted, the words of its first 200 characters. -#}
{%- macro repaired_text(repairs, code) -%}
split_part(split_part(chr(31) || {{ repairs }}, chr(31) || '{{ code }} ', 2), chr(31), 1)
{%- endmacro -%}

{#- How a source declares its decimals (meta.decimal beside its columns): comma, or nothing for points. -#}
{%- macro has_decimal_commas(source_name) -%}
{{ return(source_meta(source_name, 'decimal', 'point') == 'comma') }}
{%- endmacro -%}

{#- Points or blanks between thousands, where commas are decimal: 1.299 or 1 299. -#}
{%- macro comma_thousands() -%}
{{ return('[0-9]{1,3}(?:(?:[.]|[' ~ blank_class() ~ '])[0-9]{3})+') }}
{%- endmacro -%}

{#- Whether an amount can only be meant with a decimal comma: 19,90 or 1.299,00 or 1 299,00. -#}
{%- macro is_comma_amount(text) -%}
{%- set blanks = '[' ~ blank_class() ~ ']*' -%}
{{ has_pattern(text, '^' ~ blanks ~ '-?(?:[0-9]+|' ~ comma_thousands() ~ '),[0-9]{1,2}' ~ blanks ~ '$') }}
{%- endmacro -%}

{#- Whether an amount can only be meant with a decimal point: 19.90 or 1,299.00, but not 1.299. -#}
{%- macro is_point_amount(text) -%}
{%- set blanks = '[' ~ blank_class() ~ ']*' -%}
(
    {{ has_pattern(text, '^' ~ blanks ~ '-?[0-9,]*[.][0-9]+' ~ blanks ~ '$') }}
    and not {{ has_pattern(text, '^' ~ blanks ~ '-?[1-9][0-9]{0,2}([.][0-9]{3})+' ~ blanks ~ '$') }}
)
{%- endmacro -%}

{#-
    A delivered number as the engine reads numbers. With decimal commas points and blanks are between thousands: 1.299 is
    a thousand and more; what can only be meant with a decimal point is.
-#}
{%- macro number_text(text, is_comma) -%}
case
    when {{ is_comma }} then case
        when {{ has_pattern(text, ',') }} and not {{ has_pattern(text, ',.*[.,]') }}
            then replace(replace({{ without_blanks(text) }}, '.', ''), ',', '.')
        when
            {{ has_pattern(text, '^[' ~ blank_class() ~ ']*-?[1-9]') }}
            and {{ has_pattern(text, '^[' ~ blank_class() ~ ']*-?' ~ comma_thousands() ~ '[' ~ blank_class() ~ ']*$') }}
            then replace({{ without_blanks(text) }}, '.', '')
        else {{ point_number_text(text) }}
    end
    else {{ point_number_text(text) }}
end
{%- endmacro -%}

{#-
    The same with a decimal point. An underscore, which the engine would take for one between thousands, is none of a
    number. Plain blanks around one the engine passes over; others are no ASCII, and looked for only where a text is none:
    looking costs a row more than reading it.
-#}
{%- macro point_number_text(text) -%}
case
    when instr({{ text }}, '_') = 0
        then case when {{ is_ascii(text) }} then {{ text }} else {{ trim_blanks(text) }} end
end
{%- endmacro -%}

{#- A delivered quantity as a number, whole or not. -#}
{%- macro quantity_number(text, is_comma) -%}
try_cast({{ number_text(text, is_comma) }} as decimal(24, 6))
{%- endmacro -%}

{#- A delivered price or order value as a number, negative or not. -#}
{%- macro amount_number(text, is_comma) -%}
try_cast({{ number_text(text, is_comma) }} as decimal(18, 4))
{%- endmacro -%}

{#- An order value as a number, negative or not; what was given back is as much with a minus before it. -#}
{%- macro order_value_number(text, is_comma, event_type) -%}
case when {{ event_type }} = 'refund' then abs({{ amount_number(text, is_comma) }}) else {{ amount_number(text, is_comma) }} end
{%- endmacro -%}

{#- A quantity that is used: any whole number; the rules of carts say what 0 and those below it do. -#}
{%- macro is_whole_quantity(number) -%}
(abs({{ number }}) <= 2147483647 and {{ number }} = floor({{ number }}))
{%- endmacro -%}

{#- The quantity that is used, else null. -#}
{%- macro used_quantity(number) -%}
case
            when {{ is_whole_quantity(number) }}
                then cast({{ number }} as integer)
        end
{%- endmacro -%}

{#- The price or order value that is used, else null: none is below 0. -#}
{%- macro used_amount(number) -%}
case when {{ is_used_amount(number) }} then {{ number }} end
{%- endmacro -%}

{%- macro is_used_amount(number) -%}
{{ number }} >= 0
{%- endmacro -%}

{#- What is noted of the quantity, the price and the currency of a row, which has them as text and as number. -#}
{%- macro repairs_of_amounts() -%}
{{ return([
    repair_reason('bad_quantity', 'quantity_text', is_whole_quantity('quantity_number')),
    repair_reason('bad_price', 'price_text', is_used_amount('price_number')),
    repair_reason('bad_currency', 'currency_text', 'is_currency'),
]) }}
{%- endmacro -%}
