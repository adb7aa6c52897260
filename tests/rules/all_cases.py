"""All hand-made cases together. Belongs here: nothing else."""

from .cases_cart_content import CART_CONTENT
from .cases_cart_ends import CART_ENDS
from .cases_events import ARRIVAL, DUPLICATES, WORDS
from .cases_ids import IDENTITY
from .cases_items import ITEM_CASES
from .cases_order_items import BOUGHT_ITEMS
from .cases_orders import ORDERS
from .cases_snapshots import RETURNS, SNAPSHOTS
from .cases_times import TIME_AND_GAPS

CASES = [
    *TIME_AND_GAPS,
    *ARRIVAL,
    *WORDS,
    *DUPLICATES,
    *IDENTITY,
    *ORDERS,
    *CART_CONTENT,
    *CART_ENDS,
    *SNAPSHOTS,
    *RETURNS,
    *ITEM_CASES,
    *BOUGHT_ITEMS,
]
