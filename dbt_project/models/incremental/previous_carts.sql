-- The carts of the affected visitors as they were before the new rows.

{{ config(materialized='table') }}

with

carts as (

    select * from {{ previous_version('carts', {'cart_id': 'string', 'visitor_id': 'string', 'status': 'string'}) }}

),

final as (

    select
        affected_visitors.visitor_id,
        carts.cart_id,
        carts.status
    from {{ ref('affected_visitors') }} as affected_visitors
    left join carts on affected_visitors.visitor_id = carts.visitor_id

    {%- if is_incremental_build() %}
    -- those of a build that died stay: it may have rebuilt the carts since
    where affected_visitors.visitor_id not in (select visitor_id from {{ this }})
    union all
    select * from {{ this }}
    {%- endif %}

)

select * from final
