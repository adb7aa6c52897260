-- Rows that tell an event which another row tells: of several the earliest counts, then the smallest content, never the
-- one that arrived first.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'touched_events': ['source', 'event_id']}}) }}

with

-- Numbers are counted sooner than texts; where two events share one, no harm is done.
told_again as (

    select {{ hash_number(['source', 'event_id']) }} as event_hash
    from {{ ref('candidate_events') }}
    where
        drop_reason is null
        and {{ named_by(ref('touched_events'), ['source', 'event_id']) }}
    group by 1
    having count(*) > 1

),

rivals as (

    select
        source,
        event_id,
        event_at,
        load_id,
        row_key
    from {{ ref('candidate_events') }}
    where
        drop_reason is null
        and {{ hash_number(['source', 'event_id']) }} in (select told_again.event_hash from told_again)

),

contents as (

    {% for name in var('event_sources') -%}
        select
            {{ row_key('_load_id', '_line') }} as row_key,
            {{ row_content() }} as row_content
        from {{ source('raw', name) }}
        where {{ row_key('_load_id', '_line') }} in (select rivals.row_key from rivals)
        {% if not loop.last -%} union all {% endif -%}
    {% endfor %}

),

numbered as (

    select
        rivals.*,
        row_number() over (
            partition by rivals.source, rivals.event_id
            order by rivals.event_at, contents.row_content, rivals.row_key
        ) as copy_number
    from rivals
    inner join contents on rivals.row_key = contents.row_key

)

select
    source,
    event_id,
    load_id,
    row_key
from numbered
where copy_number > 1
