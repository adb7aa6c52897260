"""What an hour imports only once it learns, draws or asks for holidays.

Belongs here: importing it, before the process is forked in which the hour runs. Not here: anything
that is run: what has threads at work cannot be forked.
"""

import gc

import dbt.adapters.duckdb.connections
import dbt.task.build
import holidays
import matplotlib.backends.backend_svg

import orchestration.outputs.report.page
from ml.boosting import lightgbm

# as an hour has it, before what it hides is there
lightgbm()

import lifelines  # noqa: E402

# it imports a country when it is first asked for it
for country in holidays.list_supported_countries(include_aliases=False):
    holidays.country_holidays(country)

# what is there is no garbage, and every process has it
gc.freeze()

__all__ = ["dbt", "lifelines", "matplotlib", "orchestration"]
