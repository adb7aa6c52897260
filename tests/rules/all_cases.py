"""All hand-made cases together. Belongs here: nothing else."""

from . import cases
from .cases_items import ITEM_CASES

CASES = [*cases.CASES, *ITEM_CASES]
