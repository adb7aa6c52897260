{#-
    What belongs here: which dumps are nobody's events but rates or sales, and which of their rows count. What does not:
    reading the rows (models/money, models/calendar).
-#}

{#- By source: the model that reads its rows, the columns alike in rows that say the same, and in which order one counts. -#}
{%- macro reference_dumps() -%}
{{ return({
    'exchange_rates': {
        'candidates': 'candidate_rates',
        'alike': ['currency', 'valid_from'],
        'order': ['rate', 'load_id', 'line'],
    },
    'calendar': {
        'candidates': 'candidate_sales',
        'alike': ['starts_at', 'ends_at', 'name', 'country'],
        'order': ['load_id', 'line'],
    },
}) }}
{%- endmacro -%}
