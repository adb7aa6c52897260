-- The carts of the affected visitors as they were before new rows are taken up.

{% if follows_last_build() -%}

select
    cart_id,
    status
from {{ as_last_built('carts') }}
where visitor_id in (select visitor_id from {{ ref('affected_visitors') }})

{%- else -%}

select
    cast(null as varchar) as cart_id,
    cast(null as varchar) as status
from {{ ref('affected_visitors') }}

{%- endif %}
