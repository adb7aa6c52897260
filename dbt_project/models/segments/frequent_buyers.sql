-- More than 3 orders in the last 30 days.

select person_id
from {{ ref('person_orders') }}
where ordered_at > {{ as_of() }} - interval '30' day
group by person_id
having count(*) > 3
