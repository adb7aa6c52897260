-- Over 70 % of at least 3 carts abandoned.

with

carts as (

    select
        person_id,
        count(*) as cart_count,
        count(*) filter (where is_abandoned) as abandoned_cart_count
    from {{ ref('person_carts') }}
    group by person_id

)

select people.person_id
from {{ ref('people') }} as people
inner join carts on people.person_id = carts.person_id
where
    carts.cart_count >= 3
    and 10 * carts.abandoned_cart_count > 7 * carts.cart_count
