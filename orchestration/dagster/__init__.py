"""Dagster around everything: assets, checks, jobs, schedules, sensors, runs in this process.

Belongs here: what has to import Dagster, each piece thin: read, call, write, report. Not here:
work; that is in the packages below.
"""

from orchestration.dagster.without_dbt import import_dagster_dbt

# before anything imports it with dbt
import_dagster_dbt()
