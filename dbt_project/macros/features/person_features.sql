{#-
    What belongs here: what is known of persons at instants, the same for those to learn from and those to score. What does
    not: whom models learn from and what came afterwards (models/snapshots/training_people.sql), or what the models make
    of it (`ml.people`).
-#}

{#- How far back the sessions go that features of the last days are made of. -#}
{%- macro is_recent(ended_at, at) -%}
{{ ended_at }} > {{ at }} - interval '{{ [30, var('engagement').days] | max }}' day
{%- endmacro -%}

{#-
    Adds the CTEs `sessions`, `orders` and `mails`: what features are made of; with `persons`, a relation, of these only.
    Without, sessions are those that are recent at the hour: older ones are in hour_persons.
-#}
{%- macro person_history(persons=none) -%}
sessions as (

    select
        visitor_id,
        session_number,
        owner_id,
        person_id,
        started_at,
        ended_at,
        page_view_count + view_count as view_count,
        add_count
    from {{ ref('person_sessions') }}
    where
        started_at <= {{ as_of() }}
        {% if persons is none -%}
            and {{ is_recent('ended_at', as_of()) }}
        {%- else -%}
            and {{ keys_in(persons, ['person_id']) }}
        {%- endif %}

),

orders as (

    select *
    from {{ ref('person_orders') }}
    {%- if persons is not none %}
    where {{ keys_in(persons, ['person_id']) }}
    {%- endif %}

),

-- Passive events are of no session: what came of e-mails, where the log has it.
mails as (

    select
        {{ person_id('owner_id', 'visitor_id') }} as person_id,
        event_at,
        event_type = 'email_open' as is_open
    from {{ ref('ordered_events') }}
    where
        not is_activity
        and event_type in ('email_open', 'email_sent')
        and event_at <= {{ as_of() }}
        {%- if persons is not none %}
        and {{ person_id('owner_id', 'visitor_id') }} in (select {{ persons }}.person_id from {{ persons }})
        {%- endif %}

)
{%- endmacro -%}

{#-
    Adds CTEs, the last of which is `person_features`: each person at each of `instants`, a relation with as_of, of events
    up to it and nothing else, over the CTEs of person_history(). Whoever was seen in the 13 months before has a row.

    known: what is known at the one instant of whom, as hour_persons; else it is taken from the sessions.
-#}
{%- macro person_features(instants, known=none) -%}
otherwise_then as (

    {{ otherwise_at('sessions', instants, 'started_at', 'ended_at') }}

),

-- A session that was otherwise at an instant counts there as it was.
sessions_then as (

    select
        sessions.visitor_id,
        sessions.session_number,
        sessions.owner_id,
        sessions.person_id,
        otherwise_then.as_of
    from otherwise_then
    inner join sessions
        on
            otherwise_then.visitor_id = sessions.visitor_id
            and otherwise_then.session_number = sessions.session_number
            and otherwise_then.owner_id is not distinct from sessions.owner_id

),

visits as (

    select
        sessions.person_id,
        instants.as_of,
        sessions.started_at,
        sessions.ended_at,
        sessions.view_count,
        sessions.add_count
    from sessions
    inner join {{ instants }} as instants on sessions.ended_at <= instants.as_of
    left join otherwise_then
        on
            sessions.visitor_id = otherwise_then.visitor_id
            and sessions.session_number = otherwise_then.session_number
            and sessions.owner_id is not distinct from otherwise_then.owner_id
            and instants.as_of = otherwise_then.as_of
    where otherwise_then.visitor_id is null

    union all

    select
        sessions_then.person_id,
        sessions_then.as_of,
        min(log.event_at) as started_at,
        max(log.event_at) as ended_at,
        count(*) filter (
            where {{ is_page_or_item_view('log.event_type', 'log.context_flags') | indent(12) }}
        ) as view_count,
        count(*) filter (where log.counted_as = 'add_to_cart') as add_count
    from sessions_then
    inner join {{ ref('ordered_events') }} as log
        on
            sessions_then.visitor_id = log.visitor_id
            and sessions_then.session_number = log.session_number
            and sessions_then.owner_id is not distinct from log.owner_id
            and sessions_then.as_of >= log.event_at
    where log.is_activity
    group by
        sessions_then.person_id,
        sessions_then.as_of,
        sessions_then.visitor_id,
        sessions_then.session_number,
        sessions_then.owner_id

),

visit_totals as (

    {% if known is not none -%}
        select
            known.person_id,
            instants.as_of,
            known.first_seen_at,
            known.last_seen_at,
            known.session_count,
            known.last_add_at
        from {{ known }} as known
        cross join {{ instants }} as instants
    {%- else -%}
        select
            person_id,
            as_of,
            {{ session_aggregates() | indent(4) }}
        from visits
        group by person_id, as_of
    {%- endif %}

),

recent_totals as (

    select
        person_id,
        as_of,
        count(*) filter (where ended_at > as_of - interval '7' day) as session_count_7d,
        count(*) filter (where ended_at > as_of - interval '30' day) as session_count_30d,
        sum(view_count) filter (where ended_at > as_of - interval '30' day) as view_count_30d,
        sum(add_count) filter (where ended_at > as_of - interval '7' day) as add_count_7d,
        sum({{ engagement_points('started_at', 'ended_at', 'view_count', 'add_count', at='as_of') }}) as points
    from visits
    where {{ is_recent('ended_at', 'as_of') }}
    group by person_id, as_of

),

order_totals as (

    select
        orders.person_id,
        instants.as_of,
        count(*) as order_count,
        sum(orders.order_value_base) as order_value,
        sum(orders.order_value_base)
        filter (where orders.ordered_at > instants.as_of - interval '365' day) as order_value_365d,
        min(orders.ordered_at) as first_order_at,
        max(orders.ordered_at) as last_order_at
    from orders
    inner join {{ instants }} as instants on orders.ordered_at <= instants.as_of
    group by orders.person_id, instants.as_of

),

mail_totals as (

    select
        mails.person_id,
        instants.as_of,
        count(*) filter (where mails.is_open) as open_count,
        count(*) filter (where not mails.is_open) as sent_count
    from mails
    inner join {{ instants }} as instants
        on
            mails.event_at <= instants.as_of
            and mails.event_at > instants.as_of - interval '90' day
    group by mails.person_id, instants.as_of

),

person_features as (

    select
        visits.person_id,
        visits.as_of,
        {{ days_between('visits.last_seen_at', 'visits.as_of') }} as days_since_seen,
        {{ days_between('visits.first_seen_at', 'visits.as_of') }} as days_since_first_seen,
        visits.session_count,
        coalesce(recent.session_count_7d, 0) as session_count_7d,
        coalesce(recent.session_count_30d, 0) as session_count_30d,
        cast(coalesce(recent.view_count_30d, 0) as bigint) as view_count_30d,
        cast(coalesce(recent.points, 0) as double) / 1000000000 as engagement_points,
        cast(coalesce(recent.add_count_7d, 0) as bigint) as add_count_7d,
        {{ days_between('visits.last_add_at', 'visits.as_of') }} as days_since_add,
        coalesce(visits.last_add_at > coalesce(orders.last_order_at, visits.last_add_at - interval '1' day), false)
            as has_added_since_order,
        coalesce(orders.order_count, 0) as order_count,
        cast(coalesce(orders.order_value, 0) as double) as order_value,
        cast(coalesce(orders.order_value_365d, 0) as double) as order_value_365d,
        {{ days_between('orders.last_order_at', 'visits.as_of') }} as days_since_order,
        {{ days_between('orders.first_order_at', 'orders.last_order_at') }} as days_from_first_to_last_order,
        coalesce(mails.open_count, 0) as email_open_count_90d,
        coalesce(mails.sent_count, 0) as email_sent_count_90d
    from visit_totals as visits
    left join recent_totals as recent
        on
            visits.person_id = recent.person_id
            and visits.as_of = recent.as_of
    left join order_totals as orders
        on
            visits.person_id = orders.person_id
            and visits.as_of = orders.as_of
    left join mail_totals as mails
        on
            visits.person_id = mails.person_id
            and visits.as_of = mails.as_of
    where visits.last_seen_at > visits.as_of - interval '13' month

)
{%- endmacro -%}

{%- macro days_between(earlier, later) -%}
({{ hours_between(earlier, later) }} / 24)
{%- endmacro -%}
