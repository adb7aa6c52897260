{#-
    What belongs here: what of the log is a person's (rules/persons.sql): the same SQL for tables of the log and for the
    log as it stood at an hour. An event is of whoever it belonged to when it happened. Not here: who a person is
    (rules/persons.sql), or what a person is worth (models/people).
-#}

{#- Adds CTEs, the last of which is `visits`: what each person did in each session, of the activities of `log`. -#}
{%- macro visits_of(log) -%}
visit_totals as (

    select
        visitor_id,
        session_number,
        owner_id,
        {{ person_id('owner_id', 'visitor_id') }} as person_id,
        min(event_at) as started_at,
        max(event_at) as ended_at,
        count(*) as event_count,
        count(*) filter (
            where event_type != 'view_item' and {{ is_page_or_item_view('event_type', 'context_flags') | indent(12) }}
        ) as page_view_count,
        count(*) filter (where event_type = 'view_item') as view_count,
        count(*) filter (where counted_as = 'add_to_cart') as add_count,
        min_by(row_key, event_number) filter (where {{ has_context('device') }}) as device_row_key,
        min_by(row_key, event_number) filter (where {{ has_context('country') }}) as country_row_key
    from {{ log }}
    where is_activity
    group by visitor_id, session_number, owner_id

),

visit_rows as (

    select
        row_key,
        device_type,
        country
    from {{ ref('candidate_events') }}
    where row_key in (
        select visit_totals.device_row_key from visit_totals
        union all
        select visit_totals.country_row_key from visit_totals
    )

),

visits as (

    select
        visit_totals.visitor_id,
        visit_totals.session_number,
        visit_totals.owner_id,
        visit_totals.person_id,
        visit_totals.started_at,
        visit_totals.ended_at,
        visit_totals.event_count,
        visit_totals.page_view_count,
        visit_totals.view_count,
        visit_totals.add_count,
        device_rows.device_type,
        country_rows.country
    from visit_totals
    left join visit_rows as device_rows on visit_totals.device_row_key = device_rows.row_key
    left join visit_rows as country_rows on visit_totals.country_row_key = country_rows.row_key

)
{%- endmacro -%}

{#- Adds CTEs, the last of which is `category_views`: how often each person viewed a category in a session of `log`. -#}
{%- macro category_views_of(log) -%}
viewed as (

    select
        log.visitor_id,
        log.session_number,
        log.owner_id,
        log.event_at,
        log.row_key,
        candidates.item_id,
        candidates.item_category,
        candidates.quantity,
        candidates.price,
        candidates.currency
    from {{ log }} as log
    inner join {{ ref('candidate_events') }} as candidates on log.row_key = candidates.row_key
    where
        log.is_activity
        and log.event_type = 'view_item'

),

viewed_items as (

    {{ items_of('viewed', ['visitor_id', 'session_number', 'owner_id', 'event_at'], described=['item_category']) }}

),

category_views as (

    select
        visitor_id,
        session_number,
        owner_id,
        {{ person_id('owner_id', 'visitor_id') }} as person_id,
        item_category,
        count(*) as view_count,
        min(event_at) as first_viewed_at,
        max(event_at) as last_viewed_at
    from viewed_items
    where item_category is not null
    group by visitor_id, session_number, owner_id, item_category

)
{%- endmacro -%}

{#-
    What of sessions was otherwise at instants than the whole log says, as visitor_id, session_number, owner_id, as_of:
    what goes on after the instant, and what has a page view that was a view by then, as the dump delivers it later
    (rules/views.sql), which may be in another owner's part of the session.

    sessions: a table of sessions by owner, whose rows begin and end at `begins_at` and `ends_at`. instants: a relation
    with as_of.
-#}
{%- macro otherwise_at(sessions, instants, begins_at, ends_at) -%}
select
        sessions.visitor_id,
        sessions.session_number,
        sessions.owner_id,
        instants.as_of
    from {{ sessions }} as sessions
    inner join {{ instants }} as instants
        on
            sessions.{{ begins_at }} <= instants.as_of
            and sessions.{{ ends_at }} > instants.as_of

    union

    select
        log.visitor_id,
        log.session_number,
        log.owner_id,
        instants.as_of
    from {{ ref('doubled_views') }} as doubled_views
    inner join {{ ref('ordered_events') }} as log on doubled_views.row_key = log.row_key
    inner join {{ instants }} as instants
        on
            doubled_views.event_at <= instants.as_of
            and doubled_views.view_until_at > instants.as_of
{%- endmacro -%}

{#-
    Adds CTEs, the last of which is `name`: the rows of a table of sessions as they stood at the hour. A session that was
    otherwise then is made again of the log up to the hour.

    kept: the model of the whole log. made: the macro that it is made by, whose last CTE is `made_as`. ends_at: when a row
    of it ends. columns: those that are wanted. only: a condition on the rows that are wanted; others may be among them.
-#}
{%- macro at_hour_of(kept, made, made_as, ends_at, columns, only='true', name='at_hour') -%}
{{ made(ref('cut_log')) }},

{{ name }} as (

    select {{ columns | join(', ') }}
    from {{ ref(kept) }}
    where
        {{ ends_at }} <= {{ as_of() }}
        and {{ only }}
        and not {{ keys_in(ref('cut_sessions'), ['visitor_id', 'session_number']) }}

    union all

    select {{ columns | join(', ') }}
    from {{ made_as }}

)
{%- endmacro -%}

{#- Carts by person, and how many of them were left behind. -#}
{%- macro cart_counts() -%}
select
        person_id,
        count(*) as cart_count,
        count(*) filter (where is_abandoned) as abandoned_cart_count
    from {{ ref('person_carts') }}
    group by person_id
{%- endmacro -%}
