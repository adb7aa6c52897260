-- Page views of an item or a list that stay page views, as the dump delivers the view of the same page load by itself.
--
-- Where that view comes later, the page view was one until then (`view_until_at`): so an instant between takes it.

{{ config(materialized='rebuilt', meta={'rebuilt_for': {'visitors_this_run': ['visitor_id']}}) }}

with

rows_of_views as (

    select
        row_key,
        visitor_id,
        event_at,
        viewed_type,
        viewed_item_id,
        page_key,
        item_id
    from {{ this_run_or_all(ref('rows_this_run'), ref('candidate_events')) }}
    where
        drop_reason is null
        and (viewed_type is not null or event_type in ('view_item', 'view_item_list'))

),

counting_rows as (

    select rows_of_views.*
    from rows_of_views
    left join {{ ref('duplicate_rows') }} as duplicate_rows on rows_of_views.row_key = duplicate_rows.row_key
    where duplicate_rows.row_key is null

),

-- A view is of its address and of its item; one without an address may be of any page.
views as (

    select
        visitor_id,
        page_key,
        event_at
    from counting_rows
    where viewed_type is null

    union all

    select
        visitor_id,
        {{ hash_number(['item_id']) }} as page_key,
        event_at
    from counting_rows
    where
        viewed_type is null
        and item_id is not null

),

page_views as (

    select
        row_key,
        visitor_id,
        page_key,
        event_at,
        viewed_type,
        viewed_item_id
    from counting_rows
    where viewed_type is not null

    union all

    select
        row_key,
        visitor_id,
        null as page_key,
        event_at,
        viewed_type,
        viewed_item_id
    from counting_rows
    where viewed_type is not null

),

neighbours as (

    select
        row_key,
        visitor_id,
        event_at,
        viewed_type,
        viewed_item_id,
        max(viewed_at) over (
            partition by visitor_id, page_key
            order by event_at
            rows between unbounded preceding and current row
        ) as viewed_before_at,
        min(viewed_at) over (
            partition by visitor_id, page_key
            order by event_at
            rows between current row and unbounded following
        ) as viewed_after_at
    from (
        select
            row_key,
            visitor_id,
            page_key,
            event_at,
            viewed_type,
            viewed_item_id,
            cast(null as timestamp) as viewed_at
        from page_views
        union all
        select
            null as row_key,
            visitor_id,
            page_key,
            event_at,
            null as viewed_type,
            null as viewed_item_id,
            event_at as viewed_at
        from views
        -- nothing of anybody else is doubled, and most dumps have no such page views
        where {{ keys_in('page_views', ['visitor_id']) }}
    ) as both_kinds

),

final as (

    select
        row_key,
        visitor_id,
        event_at,
        viewed_type,
        viewed_item_id,
        case
            when
                not bool_or(coalesce(event_at <= viewed_before_at + {{ page_load_interval() }}, false))
                and min(viewed_after_at) > event_at
                then min(viewed_after_at)
        end as view_until_at
    from neighbours
    where
        row_key is not null
        and (
            event_at <= viewed_before_at + {{ page_load_interval() }}
            or event_at >= viewed_after_at - {{ page_load_interval() }}
        )
    group by row_key, visitor_id, event_at, viewed_type, viewed_item_id

)

select * from final
