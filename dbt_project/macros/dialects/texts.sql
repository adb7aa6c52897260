{#-
    What belongs here: texts as SQL writes them, what is blank in them, and regular expressions, where the engines spell
    them otherwise. regexp_extract they spell alike, as long as a pattern has no backslash. Not here: what a text means,
    such as an id (rules/ids.sql) or an amount (rules/amounts.sql).
-#}

{#- A text as a literal of SQL, whatever is in it: a shop's settings may have quotes and backslashes. -#}
{%- macro text_literal(text) -%}
{{ return(adapter.dispatch('text_literal')(text)) }}
{%- endmacro -%}

{%- macro duckdb__text_literal(text) -%}
'{{ text | replace("'", "''") }}'
{%- endmacro -%}

{#- Whether the pattern is found anywhere in the text. -#}
{%- macro has_pattern(text, pattern) -%}
{{ return(adapter.dispatch('has_pattern')(text, pattern)) }}
{%- endmacro -%}

{%- macro duckdb__has_pattern(text, pattern) -%}
regexp_matches({{ text }}, {{ text_literal(pattern) }})
{%- endmacro -%}

{#- A blank of any kind, as a class of a regular expression: also those that no letter or line shows. -#}
{%- macro blank_class() -%}
{{ return('\\s\\x{0b}\\x{85}\\x{180e}\\x{200b}-\\x{200d}\\x{2060}\\x{feff}\\p{Z}') }}
{%- endmacro -%}

{#- The dashes of any kind but the hyphen of ASCII, one after the other; as a class of a regular expression, too. -#}
{%- macro other_dashes() -%}
{{ return('\u2010\u2011\u2012\u2013\u2014\u2015\u2212') }}
{%- endmacro -%}

{#- Whether a text has letters, digits and signs of ASCII alone: as many bytes as characters. -#}
{%- macro is_ascii(text) -%}
{{ return(adapter.dispatch('is_ascii')(text)) }}
{%- endmacro -%}

{%- macro duckdb__is_ascii(text) -%}
strlen({{ text }}) = length({{ text }})
{%- endmacro -%}

{#- The text without the blanks around it. -#}
{%- macro trim_blanks(text) -%}
{{ return(adapter.dispatch('trim_blanks')(text)) }}
{%- endmacro -%}

{%- macro duckdb__trim_blanks(text) -%}
regexp_replace({{ text }}, '^[{{ blank_class() }}]+|[{{ blank_class() }}]+$', '', 'g')
{%- endmacro -%}

{#- The text without any blank. -#}
{%- macro without_blanks(text) -%}
{{ return(adapter.dispatch('without_blanks')(text)) }}
{%- endmacro -%}

{%- macro duckdb__without_blanks(text) -%}
regexp_replace({{ text }}, '[{{ blank_class() }}]+', '', 'g')
{%- endmacro -%}

{#- The text with another in place of everything that the pattern finds. -#}
{%- macro replaced_everywhere(text, pattern, replacement) -%}
{{ return(adapter.dispatch('replaced_everywhere')(text, pattern, replacement)) }}
{%- endmacro -%}

{%- macro duckdb__replaced_everywhere(text, pattern, replacement) -%}
regexp_replace({{ text }}, {{ text_literal(pattern) }}, {{ text_literal(replacement) }}, 'g')
{%- endmacro -%}

{#- The text with the letters that its codes (%20) stand for; as it is where these are no letters. A plus stays one. -#}
{%- macro url_decoded(text) -%}
{{ return(adapter.dispatch('url_decoded')(text)) }}
{%- endmacro -%}

{%- macro duckdb__url_decoded(text) -%}
coalesce(try(url_decode({{ text }})), {{ text }})
{%- endmacro -%}
