{# All that is to hold of a model's rows in one test: an hour pays for each test. -#}
{% test is_true(model, expressions) %}

select
    case
        {% for expression in expressions -%}
        when not ({{ expression }}) then '{{ expression | replace("'", "''") }}'
        {% endfor -%}
    end as is_not_true,
    *
from {{ model }}
where not (
    {{ expressions | join(') or not (') }}
)

{% endtest %}
