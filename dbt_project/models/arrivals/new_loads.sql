-- The loads since the last build; none in a full build, which asks for all rows anyway.

select load_id
from {{ source('raw', 'files') }}
where load_id > (select load_id from {{ last_build() }})
