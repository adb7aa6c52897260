-- The order of the log: each event once, in its visitor's order, with who it belonged to as far as was known then, and
-- cut into sessions.
--
-- The other fields of an event stay in candidate_events: windows over few columns cost a third. So what an event counts
-- as is said at the end: a text carried through both windows cost a tenth.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'visitors_this_run': ['visitor_id']}}) }}

with

candidates as (

    select
        source,
        event_id,
        visitor_id,
        user_id,
        event_at,
        event_type,
        viewed_type,
        item_id,
        viewed_item_id,
        quantity,
        context_flags,
        row_key
    from {{ this_run_or_all(ref('rows_this_run'), ref('candidate_events')) }}
    where drop_reason is null

),

deduplicated as (

    select
        candidates.source,
        candidates.event_id,
        candidates.visitor_id,
        candidates.user_id,
        candidates.event_at,
        {{ counted_type('candidates', 'doubled_views') }} as event_type,
        -- what comes later moves no event to another place
        {{ event_rank(type_by_then('candidates', 'doubled_views')) }} as event_rank,
        {{ counted_item('candidates', 'doubled_views') }} as item_id,
        -- an event adds or removes by all of its items
        coalesce(listed.row_adds_units, {{ adds_units('candidates.quantity') }}) as adds_units,
        coalesce(listed.row_has_units, {{ has_units('candidates.quantity') }}) as has_units,
        candidates.context_flags,
        candidates.row_key
    from candidates
    left join {{ ref('duplicate_rows') }} as duplicate_rows on candidates.row_key = duplicate_rows.row_key
    left join {{ ref('doubled_views') }} as doubled_views on candidates.row_key = doubled_views.row_key
    left join {{ ref('candidate_items') }} as listed
        on
            candidates.row_key = listed.row_key
            and listed.is_first_of_row
    where duplicate_rows.row_key is null

),

ranked as (

    select
        *,
        event_type not in (
            {% for type in var('passive_event_types') -%}
                {{ text_literal(type) }}{% if not loop.last %},{% endif %}
            {% endfor -%}
        ) as is_activity
    from deduplicated

),

-- Passive events are here too: they can name the owner, but neither start nor extend a session.
ordered as (

    select
        *,
        row_number() over (
            partition by visitor_id
            order by {{ event_order() }}
        ) as event_number,
        {{ last_not_null('user_id') }} over (
            partition by visitor_id
            order by {{ event_order() }}
            rows between unbounded preceding and current row
        ) as owner_id,
        max(case when is_activity then event_at end) over (
            partition by visitor_id
            order by {{ event_order() }}
            rows between unbounded preceding and 1 preceding
        ) as previous_activity_at
    from ranked

),

cut as (

    select
        row_key,
        visitor_id,
        owner_id,
        event_at,
        event_type,
        adds_units,
        has_units,
        event_rank,
        item_id,
        is_activity,
        context_flags,
        event_number,
        previous_activity_at,
        is_activity and (
            previous_activity_at is null
            or event_at > {{ session_over_at('previous_activity_at') }}
        ) as is_session_start
    from ordered

),

final as (

    select
        row_key,
        visitor_id,
        owner_id,
        event_at,
        event_type,
        {{ counted_as('event_type', 'adds_units', 'has_units') | indent(8) }} as counted_as,
        event_rank,
        item_id,
        is_activity,
        context_flags,
        event_number,
        sum(cast(is_session_start as integer)) over (
            partition by visitor_id
            order by event_number
            rows between unbounded preceding and current row
        ) as session_number,
        is_session_start,
        previous_activity_at
    from cut

)

select * from final
