{#-
    What belongs here: the points that a session gives a person, as the setting `engagement` has them. Not here: the
    score of a person, which adds them up (models/people/people.sql).
-#}

{#- Whether a session that ended then gives any points at an instant. -#}
{%- macro is_engagement(ended_at, at) -%}
{{ ended_at }} > {{ at }} - interval '{{ var('engagement').days }}' day
{%- endmacro -%}

{#-
    The points of a session at the hour, or at another instant `at`, in billionths: whole numbers, since a sum of fractions
    would depend on the order of adding. None from `days` after its end on; half as many with each `half_life_days` of age.
-#}
{%- macro engagement_points(started_at, ended_at, view_count, add_count, at=none) -%}
{%- set at = at or as_of() -%}
{%- set rule = var('engagement') -%}
case
    when {{ is_engagement(ended_at, at) }}
        then cast(round(1000000000 * pow(
            cast(0.5 as double),
            {{ hours_between(ended_at, at) }} / {{ 24 * rule.half_life_days }}
        ) * cast(
            {{ rule.points }}
            + case
                when {{ ended_at }} > {{ started_at }} + interval '{{ rule.long_minutes }}' minute
                    then {{ rule.long_points }}
                else 0
            end
            + case when {{ view_count }} > {{ rule.many_views }} then {{ rule.many_views_points }} else 0 end
            + case when {{ add_count }} > 0 then {{ rule.add_points }} else 0 end
        as double)) as bigint)
    else 0
end
{%- endmacro -%}
