-- Sessions as they follow from the order of the log, and which rows have the rest; carts are joined in sessions.

{{ config(
    materialized='rebuilt', meta={'rebuilt_for': {'visitors_this_run': ['visitor_id']}, 'uncompressed': ['session_id']}
) }}

-- depends_on: {{ ref('previous_sessions') }}

with

activity as (

    select * from {{ this_run_or_all(ref('log_this_run'), ref('ordered_events')) }}
    where is_activity

),

totals as (

    select
        {{ session_bounds() }},
        count(*) filter (where event_type = 'view_item') as view_count,
        count(*) filter (where counted_as = 'add_to_cart') as add_count,
        count(*) filter (where counted_as = 'remove_from_cart') as remove_count,
        count(*) filter (where event_rank = {{ event_rank("'begin_checkout'") }}) as checkout_count,
        max(row_key) filter (where is_session_start) as first_row_key,
        min_by(row_key, event_number) filter (where {{ has_context('page') }}) as page_row_key,
        min_by(row_key, event_number) filter (where {{ has_context('campaign') }}) as campaign_row_key,
        min_by(row_key, event_number) filter (where {{ has_context('device') }}) as device_row_key,
        min_by(row_key, event_number) filter (where {{ has_context('country') }}) as country_row_key
    from activity
    group by visitor_id, session_number

),

orders as (

    select
        visitor_id,
        session_number,
        count(*) as order_count
    from {{ ref('order_events') }}
    where {{ is_in_this_run(ref('visitors_this_run'), ['visitor_id']) }}
    group by visitor_id, session_number

),

final as (

    select
        {{ session_id('totals') }} as session_id,
        totals.*,
        coalesce(orders.order_count, 0) as order_count,
        {{ is_bot_session('totals') }} as is_suspected_bot
    from totals
    left join orders
        on
            totals.visitor_id = orders.visitor_id
            and totals.session_number = orders.session_number

)

select * from final
