"""The currencies that amounts of money can be in, by their codes of ISO 4217; and those withdrawn
since 2020, which older logs are in.

Belongs here: the codes for those who look at amounts before dbt does, out of the macro that lists
them. Not here: the list (``dbt_project/macros/rules/currencies.sql``), nor rates.
"""

import re

from orchestration.ground.checkout import DBT_PROJECT

_MACRO = DBT_PROJECT / "macros" / "rules" / "currencies.sql"
CURRENCY_CODES = frozenset(re.findall(r"'([A-Z]{3})'", _MACRO.read_text(encoding="utf-8")))
