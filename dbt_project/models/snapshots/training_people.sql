-- People to learn from: those who are drawn, at past instants, and what they ordered afterwards, as far as the log
-- reaches.

with

-- Whole weeks before the hour, the older ones with gaps.
instants as (

    {% for week in range(1, var('training_weeks') + 1) -%}
        {% if week <= 26 or week % 4 == 2 -%}
            select {{ as_of() }} - interval '{{ 7 * week }}' day as as_of
            union all
        {% endif -%}
    {% endfor -%}
    select {{ as_of() }} as as_of
    where false

),

log_end as (

    select max(event_at) as newest_event_at
    from {{ ref('ordered_events') }}
    where event_at <= {{ as_of() }}

),

{{ suspected_visitors() }},

candidates as (

    select person_id
    from {{ ref('person_sessions') }}
    where started_at <= {{ as_of() }} - interval '7' day
    group by person_id
    having not bool_or({{ keys_in('suspected_visitors', ['visitor_id']) }})

),

-- In the order of a hash: it does not matter in which order the log arrived.
drawn as (

    select person_id
    from candidates
    order by md5('learn' || chr(31) || person_id), person_id
    limit {{ var('training_persons') }}

),

{{ person_history('drawn') }},

{{ person_features('instants') }},

outcomes as (

    select
        orders.person_id,
        instants.as_of,
        min(orders.ordered_at) as next_order_at,
        {% for days in var('value_horizons_days') -%}
            coalesce(
                sum(orders.order_value_base)
                filter (where orders.ordered_at <= instants.as_of + interval '{{ days }}' day),
                0
            ) as value_{{ days }}d
            {%- if not loop.last -%},{% endif %}
        {% endfor %}
    from orders
    inner join instants on orders.ordered_at > instants.as_of
    group by orders.person_id, instants.as_of

),

final as (

    select
        person_features.*,
        {{ days_between('person_features.as_of', 'log_end.newest_event_at') }} as days_observed,
        {{ days_between('person_features.as_of', 'outcomes.next_order_at') }} as days_to_order,
        {% for days in var('value_horizons_days') -%}
            case
                when log_end.newest_event_at >= person_features.as_of + interval '{{ days }}' day
                    then cast(coalesce(outcomes.value_{{ days }}d, 0) as double)
            end as value_next_{{ days }}d
            {%- if not loop.last -%},{% endif %}
        {% endfor %}
    from person_features
    cross join log_end
    left join outcomes
        on
            person_features.person_id = outcomes.person_id
            and person_features.as_of = outcomes.as_of
    where log_end.newest_event_at > person_features.as_of

)

select * from final
