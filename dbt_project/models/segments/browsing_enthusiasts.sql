-- Items of 3 categories viewed within the last 24 hours.

select person_id
from {{ ref('person_views') }}
where last_viewed_at > {{ as_of() }} - interval '24' hour
group by person_id
having count(distinct item_category) >= 3
