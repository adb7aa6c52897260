-- The carts of the affected visitors as they were before new rows are taken up.

select
    cart_id,
    status
from {{ as_last_built('carts', {'cart_id': 'varchar', 'visitor_id': 'varchar', 'status': 'varchar'}) }}
where {{ keys_in(ref('affected_visitors'), ['visitor_id']) }}
