-- Over 70 % of at least 3 carts abandoned.

with

carts as (

    {{ cart_counts() }}

)

select people.person_id
from {{ ref('people') }} as people
inner join carts on people.person_id = carts.person_id
where
    carts.cart_count >= 3
    and 10 * carts.abandoned_cart_count > 7 * carts.cart_count
