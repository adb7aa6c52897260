-- Rows of an event of which another row counts: the earliest counts, among these the one of the smallest content; which
-- arrived first does not matter.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'events_this_run': ['source', 'event_id']}}) }}

with

-- Counting numbers is faster than counting texts; two events that share one do no harm.
repeated_hashes as (

    select {{ hash_number(['source', 'event_id']) }} as event_hash
    from {{ ref('candidate_events') }}
    where
        drop_reason is null
        and {{ is_in_this_run(ref('events_this_run'), ['source', 'event_id']) }}
    group by 1
    having count(*) > 1

),

duplicate_candidates as (

    select
        source,
        event_id,
        visitor_id,
        event_at,
        load_id,
        row_key
    from {{ ref('candidate_events') }}
    where
        drop_reason is null
        and {{ hash_number(['source', 'event_id']) }} in (select repeated_hashes.event_hash from repeated_hashes)

),

contents as (

    {% for name in sources_with_rows() -%}
        select
            {{ row_key('_load_id', '_line') }} as row_key,
            {{ row_content() }} as row_content
        from {{ source('raw', name) }}
        where {{ row_key('_load_id', '_line') }} in (select duplicate_candidates.row_key from duplicate_candidates)
        {% if not loop.last -%} union all {% endif -%}
    {% endfor %}

),

numbered as (

    select
        duplicate_candidates.*,
        row_number() over copies as copy_number,
        first_value(duplicate_candidates.visitor_id) over copies as kept_visitor_id
    from duplicate_candidates
    inner join contents on duplicate_candidates.row_key = contents.row_key
    window copies as (
        partition by duplicate_candidates.source, duplicate_candidates.event_id
        order by duplicate_candidates.event_at, contents.row_content, duplicate_candidates.row_key
    )

)

select
    source,
    event_id,
    event_at,
    load_id,
    row_key,
    visitor_id,
    kept_visitor_id
from numbered
where copy_number > 1
