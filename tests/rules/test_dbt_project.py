"""dbt's own tests: unit tests of the rules with a boundary, and the data tests on an empty log."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from orchestration.landing import ensure_raw_tables, load_sources

from .recording import PROJECT


def test_the_project_builds_on_an_empty_log_and_all_its_tests_pass(tmp_path):
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        ensure_raw_tables(connection, load_sources(PROJECT / "models" / "staging"))
    hour = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None).isoformat()
    done = subprocess.run(
        [
            Path(sys.executable).with_name("dbt"),
            *("build", "--no-use-colors", "--vars", f"{{as_of: {hour}}}"),
            *("--project-dir", PROJECT, "--profiles-dir", PROJECT),
            *("--target-path", tmp_path / "target", "--log-path", tmp_path / "logs"),
        ],
        env={**os.environ, "COMEBACK_WAREHOUSE": str(path), "COMEBACK_TEMP": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    unit_tests = sum(
        file.read_text().count("\n  - name: ") for file in PROJECT.rglob("*_unit_tests.yml")
    )
    assert f" {unit_tests} unit tests" in done.stdout
    assert "ERROR=0" in done.stdout
