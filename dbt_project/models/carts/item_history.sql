-- How each item, and the whole shop, had converted by each instant: adds so far, and lines bought so far.

with

instants as (

    select
        item_id,
        event_at,
        sum(new_add) as new_adds,
        sum(new_purchase) as new_purchases
    from {{ ref('item_facts') }}
    group by 1, 2

),

final as (

    select
        item_id,
        event_at,
        cast(sum(new_adds) over item_so_far as bigint) as add_count,
        cast(sum(new_purchases) over item_so_far as bigint) as purchase_count
    from instants
    window item_so_far as (
        partition by item_id
        order by event_at
        rows between unbounded preceding and current row
    )

)

select * from final
