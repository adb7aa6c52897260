"""What a whole hour exports for marketers: ranks, the manifest and the pointer, against the tables.

Belongs here: the file of the priorities as an hour leaves it. Not here: how it is written
(tests/outputs/test_export_files.py).
"""

import csv
import hashlib
import json
from pathlib import Path

import pytest

from .test_published import open_published


def test_open_carts_are_ranked_and_exported_with_a_manifest_that_fits(simulated_home: Path):
    assert_ranked_and_exported(simulated_home, "2026-11-01T00Z")


@pytest.mark.heavy
def test_so_are_those_of_a_real_shop(shopify_home: Path):
    assert_ranked_and_exported(shopify_home, "2025-03-02T00Z")


def assert_ranked_and_exported(home: Path, hour: str) -> None:
    """The open carts of a home's only hour, best first, with a manifest and a pointer that fit."""
    folder = home / "exports" / hour
    data = (folder / "retargeting_priorities.csv").read_bytes()
    manifest = json.loads((folder / "manifest.json").read_text())
    rows = list(csv.DictReader(data.decode().splitlines()))
    assert manifest["rows"] == len(rows) > 500
    assert manifest["sha256"] == hashlib.sha256(data).hexdigest()
    ranks = [int(row["priority_rank"]) for row in rows]
    assert ranks == sorted(set(ranks))
    gains = [float(row["expected_gain"]) for row in rows]
    assert gains == sorted(gains, reverse=True)
    assert gains[0] > 0
    latest = json.loads((home / "exports" / "latest.json").read_text())
    assert latest["sha256"] == manifest["sha256"]
    with open_published(home) as connection:
        held_out, open_carts, closed = connection.execute(
            """
            select
                count(*) filter (is_holdout),
                count(*),
                count(*) filter (carts.status != 'open')
            from retargeting_priorities inner join carts using (cart_id)
            """
        ).fetchone()
    assert len(rows) == open_carts - held_out
    assert closed == 0
