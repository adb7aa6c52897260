-- The loads since the last build; none in a full build, which reads all rows anyway.

select files.load_id
from {{ source('raw', 'files') }} as files
inner join {{ watermark() }} on files.load_id > last_build.load_id
