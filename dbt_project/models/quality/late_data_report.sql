-- What the new rows of each build changed of what was known before. A full build compares nothing. The row of a build
-- that died is replaced by one with all that came since.

{{ config(
    materialized='incremental', incremental_strategy='append', full_refresh=false, on_schema_change='fail',
    pre_hook="{% if is_incremental() %}delete from {{ this }} where {{ keys_in(ref('loads_this_run'), ['load_id']) }}{% endif %}"
) }}

with

last_build as (

    select * from {{ watermark() }}

),

loads_this_run as (

    select * from {{ ref('loads_this_run') }}

),

loads as (

    select
        max(load_id) as load_id,
        count(*) as load_count
    from loads_this_run

),

duplicates as (

    select row_key
    from {{ ref('duplicate_rows') }}
    where {{ keys_in('loads_this_run', ['load_id']) }}

),

arrived as (

    select
        count(*) as row_count,
        count(*) filter (where candidates.event_at < last_build.newest_event_at) as late_row_count,
        min(candidates.event_at) filter (where candidates.event_at < last_build.newest_event_at) as oldest_late_event_at
    from {{ ref('candidate_events') }} as candidates
    cross join last_build
    left join duplicates on candidates.row_key = duplicates.row_key
    where
        {{ keys_in('loads_this_run', ['candidates.load_id']) }}
        and candidates.drop_reason is null
        and duplicates.row_key is null

),

previous_sessions as (

    select * from {{ ref('previous_sessions') }}

),

session_totals as (

    select * from {{ ref('session_totals') }}
    where {{ keys_in(ref('visitors_this_run'), ['visitor_id']) }}

),

-- Old and new sessions that share an instant.
successions as (

    select
        session_totals.session_id,
        previous_sessions.session_id as previous_session_id,
        {{ session_over_at('previous_sessions.ended_at') }} < last_build.newest_event_at
        and session_totals.event_count > previous_sessions.event_count as is_reopened
    from previous_sessions
    inner join session_totals
        on
            previous_sessions.visitor_id = session_totals.visitor_id
            and previous_sessions.started_at <= session_totals.ended_at
            and previous_sessions.ended_at >= session_totals.started_at
    cross join last_build

),

merged as (

    select count(*) - count(distinct session_id) as session_count
    from successions

),

split as (

    select count(*) - count(distinct previous_session_id) as session_count
    from successions

),

reopened as (

    select count(distinct session_id) as session_count
    from successions
    where is_reopened

),

previous_carts as (

    select * from {{ ref('previous_carts') }}

),

changed_carts as (

    select
        count(*) filter (where carts.status != previous_carts.status) as changed_count,
        count(*) filter (where carts.cart_id is null) as vanished_count
    from previous_carts
    left join {{ ref('carts') }} as carts on previous_carts.cart_id = carts.cart_id
    where previous_carts.cart_id is not null

),

final as (

    select
        cast(loads.load_id as bigint) as load_id,
        current_timestamp at time zone 'UTC' as built_at,
        cast(loads.load_count as bigint) as load_count,
        cast(arrived.row_count as bigint) as row_count,
        cast(arrived.late_row_count as bigint) as late_row_count,
        arrived.oldest_late_event_at,
        cast(merged.session_count as bigint) as merged_session_count,
        cast(split.session_count as bigint) as split_session_count,
        cast(reopened.session_count as bigint) as reopened_session_count,
        cast(changed_carts.changed_count as bigint) as changed_cart_count,
        cast(changed_carts.vanished_count as bigint) as vanished_cart_count
    from loads
    cross join arrived
    cross join merged
    cross join split
    cross join reopened
    cross join changed_carts
    where loads.load_count > 0

)

select * from final
