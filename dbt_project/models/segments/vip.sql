-- The top fifth of the buyers by what they ordered; of equals all or none.

with

buyers as (

    select
        person_id,
        -- the last place of equals
        count(*) over (
            order by order_value_base desc range between unbounded preceding and current row
        ) as place,
        count(*) over () as buyer_count
    from {{ ref('people') }}
    where order_value_base > 0

)

select person_id
from buyers
where 5 * place <= buyer_count
