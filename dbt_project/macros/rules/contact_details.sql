{#-
    What belongs here: what of a delivered text analysts may read, who are to see no e-mail address and no phone number. Not
    here: reading these for exports, which is done beside the vault (orchestration/people).
-#}

{#-
    The text with `(e-mail)` and `(phone)` in the place of e-mail addresses and of phone numbers that begin with a plus,
    also as addresses of pages encode them. No code of a country begins with 0, as offsets of time zones do.
-#}
{%- macro without_contact_details(text) -%}
case
    when {{ has_pattern(text, '@|%40|[+]|%2[Bb]') }}
        then {{ replaced_everywhere(
            replaced_everywhere(text, '[^\\s"\'<>(),;:=&?/#\\\\@]+(?:@|%40)[^\\s"\'<>(),;:=&?/#\\\\@]+', '(e-mail)'),
            '(?:[+]|%2[Bb])[1-9](?:[0-9 ().-]|%20){6,}[0-9]', '(phone)'
        ) }}
    else {{ text }}
end
{%- endmacro -%}
