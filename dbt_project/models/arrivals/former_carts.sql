-- The carts of the affected visitors as they were before new rows are taken up. What a build kept that then died stays:
-- the tables may show its work by now.

with

carts as (

    select
        cart_id,
        visitor_id,
        status
    from {{ as_last_built('carts', {'cart_id': 'varchar', 'visitor_id': 'varchar', 'status': 'varchar'}) }}
    where {{ keys_in(ref('affected_visitors'), ['visitor_id']) }}

),

final as (

    select
        carts.cart_id,
        affected_visitors.visitor_id,
        carts.status
    from {{ ref('affected_visitors') }} as affected_visitors
    left join carts on affected_visitors.visitor_id = carts.visitor_id

    {%- if follows_last_build() %}
    where affected_visitors.visitor_id not in (select kept.visitor_id from {{ this }} as kept)
    union all
    select * from {{ this }}
    {%- endif %}

)

select * from final
