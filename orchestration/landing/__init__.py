"""Landing: raw dumps into the tables ``raw.*``, each content once, nothing lost, nothing judged.

Here: finding files, reading them record by record, and what could not be read. Not here: what a
    value means (times,
ids, prices) and which rows are duplicates: that is SQL, in the dbt project. Knows DuckDB, not
Dagster.
"""

from orchestration.landing.files import FoundFile, find_files
from orchestration.landing.load import LandedFile, land
from orchestration.landing.sources import Source, load_sources, source_named
from orchestration.landing.tables import ensure_raw_tables

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
