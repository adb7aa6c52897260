-- The carts of the affected visitors as they were before new rows are taken up.

{{ config(materialized='table') }}

with

carts as (

    select * from {{ as_last_built('carts', {'cart_id': 'varchar', 'visitor_id': 'varchar', 'status': 'varchar'}) }}

),

final as (

    select
        affected_visitors.visitor_id,
        carts.cart_id,
        carts.status
    from {{ ref('affected_visitors') }} as affected_visitors
    left join carts on affected_visitors.visitor_id = carts.visitor_id

    {%- if follows_last_build() %}
    -- what a build noted that then died: it may have rebuilt the carts since
    where affected_visitors.visitor_id not in (select visitor_id from {{ this }})
    union all
    select * from {{ this }}
    {%- endif %}

)

select * from final
