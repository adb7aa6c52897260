-- Each known person's events over all devices in order, with running totals: what was known of the person then.

with

events as (

    select * from {{ ref('event_stream') }}
    where
        owner_id is not null
        and is_activity

),

firsts as (

    select
        *,
        row_number() over (
            partition by owner_id, visitor_id
            order by {{ event_order() }}
        ) = 1 as is_new_visitor
    from events

),

final as (

    select
        owner_id,
        event_at,
        coalesce(lead(event_at) over owner_order > event_at, true) as is_last_at_instant,
        sum(cast(is_new_visitor as integer)) over owner_so_far as owner_visitor_count,
        sum(cast(is_new_visitor or is_session_start as integer)) over owner_so_far as owner_session_count,
        sum(cast(is_order as integer)) over owner_so_far as owner_order_count,
        sum(case when is_order then new_order_value else 0 end) over owner_so_far as owner_order_value,
        max(case when is_order then event_at end) over owner_so_far as owner_last_order_at
    from firsts
    window
        owner_order as (
            partition by owner_id
            order by {{ event_order() }}
        ),
        owner_so_far as (
            partition by owner_id
            order by {{ event_order() }}
            rows between unbounded preceding and current row
        )

)

select * from final
where is_last_at_instant
