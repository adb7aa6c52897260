"""The private warehouse: opening it, building it with dbt, and the tables that dbt does not build.

Belongs here: connections, dbt runs, the schema `scores`, the run log, the count of late data, and
putting a lost warehouse together again. Not here: how rows get into `raw` (`landing`), or what
analysts see (`outputs`).
"""
