"""Where the parts of this checkout lie.

Belongs here: paths inside the repository that several packages need. Not here: a shop's state
(`home`).
"""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
EXPORT_PRESETS = REPOSITORY / "orchestration" / "outputs" / "exports" / "presets"
DBT_PROJECT = REPOSITORY / "dbt_project"
SOURCE_DEFINITIONS = DBT_PROJECT / "models" / "staging"
SIGNATURES_TO_COME = DBT_PROJECT / "signatures_of_sources_to_come.yml"
