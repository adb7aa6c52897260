"""Landing: raw dumps into the tables ``raw.*``, each content once, none lost, none interpreted.

Belongs here: finding files, reading them record by record, setting aside what cannot be read,
keeping erased people out, and the simulated shop's dumps. Not here: what a value means (times, ids,
prices) and which rows are duplicates: that is SQL, in the dbt project. Knows DuckDB, not Dagster.
"""

from orchestration.landing.files import FoundFile, find_files
from orchestration.landing.landed_files import LandedFile
from orchestration.landing.load import land
from orchestration.landing.raw_tables import ensure_raw_tables
from orchestration.landing.sources import Source, load_sources, source_named

__all__ = [
    "FoundFile",
    "LandedFile",
    "Source",
    "ensure_raw_tables",
    "find_files",
    "land",
    "load_sources",
    "source_named",
]
