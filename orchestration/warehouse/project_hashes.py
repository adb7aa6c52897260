"""Hashes over the dbt project: what parsing it depends on, and what decides which rows tables have.

Belongs here: which files and variables count for which. Not here: what a build makes of a change
(`dbt_build`, `unchanged`, and dbt_project/macros/incremental/fingerprint.sql).
"""

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from orchestration.ground.project import project_files


def project_fingerprint(project: Path, variables: Mapping[str, object]) -> str:
    """A hash over everything that parsing depends on."""
    digest = hashlib.sha256(json.dumps(dict(variables), sort_keys=True).encode())
    for package in ("dbt-core", "dbt-duckdb"):
        digest.update(f"{package} {version(package)}".encode())
    for path, inside in project_files(project):
        digest.update(f"\n{inside}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def code_version(project: Path) -> str:
    """A hash over what decides which rows a table has: the SQL, and how sources are read.

    A build after another version of it is a full one; other words in a description are none.
    """
    digest = hashlib.sha256()
    for path, inside in project_files(project):
        # a shop adds its own, and each is read whole every hour: none makes another table old
        is_own = inside.startswith("models/segments/")
        if not is_own and (path.suffix == ".sql" or inside.startswith("models/staging/")):
            digest.update(f"\n{inside}\n".encode() + path.read_bytes())
    return digest.hexdigest()
