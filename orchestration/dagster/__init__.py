"""Dagster around everything: assets, checks, jobs, schedules, sensors, runs in this process.

Belongs here: what has to import Dagster, each piece thin: read, call, write, report. Not here:
work; that is in the packages below.
"""

from orchestration.warehouse.dbt_tuning import make_code_when_asked

# before dagster_dbt imports dbt
make_code_when_asked()
