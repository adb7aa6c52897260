"""The shared cases that are about reading files, each with the outcome its README calls right."""

import pytest

CASES = {
    "f01_json_ending": [("f01-v0", "2026-11-20T10:00:00Z"), ("f01-v1", None), ("f01-v2", None)],
    "f03_array": [(f"f03-v{n}", None) for n in range(5)],
    "f04_array_pretty": [(f"f04-v{n}", None) for n in range(5)],
    "f05_sep_line": [(f"f05-v{n}", None) for n in range(3)],
    "f10_bom_inside": [(f"f10-v{n}", None) for n in range(3)],
    "f14_backslash_quotes": [("f14-v1", None)],
    "f15_date_and_time": [("f15-v0", "2026-11-20 10:00:00"), ("f15-v0", "2026-11-20 10:05:00")],
    "nested_json": [("J3", "2026-11-27T10:00:00Z")],
    "parquet_bad_utf8": [("��bad", "2026-11-27T10:00:00Z"), ("ok", None)],
    "c15_parquet_times": [
        ("c15-double", "1795168800123"),
        ("c15-int96", "2026-11-20T10:00:00.123456"),
        ("c15-i64us", "1795168800123456"),
        ("c15-ns", "2026-11-20T10:00:00.123456"),
        ("c15-ny", "2026-11-20T10:00:00.123456Z"),
    ],
}
SKIPPED = {
    "f07_zip": "zip_archive",
    "c12_foreign_words": "looks_like_segment",
    "f19_ga4_nested": "looks_like_ga4",
}


@pytest.mark.parametrize("case", CASES)
def test_a_case_that_is_read(landing_of, shared_cases, case):
    landing = landing_of("canonical", shared_cases / case)
    landing.land()
    found = landing.query("select visitor_id, event_at from raw.canonical order by _load_id, _line")
    assert [visitor for visitor, _ in found] == [visitor for visitor, _ in CASES[case]]
    for (_, at), (_, right) in zip(found, CASES[case], strict=True):
        assert right is None or at == right


def test_what_of_the_cases_is_set_aside_or_mended(landing_of, shared_cases):
    aside = {}
    for case in ("nested_json", "f14_backslash_quotes", "parquet_bad_utf8"):
        landing = landing_of("canonical", shared_cases / case)
        landing.land()
        aside[case] = [row[1] for row in landing.unreadable() + landing.repaired()]
    assert aside == {
        "nested_json": ["bad_json"],
        "f14_backslash_quotes": ["stray_quote"],
        "parquet_bad_utf8": ["not_utf8"],
    }


@pytest.mark.parametrize("case", SKIPPED)
def test_a_case_that_is_not_read(landing_of, shared_cases, case):
    landing = landing_of("canonical", shared_cases / case)
    (outcome,) = landing.land()
    assert (outcome.status, outcome.skipped_reason, outcome.rows_read) == (
        "skipped",
        SKIPPED[case],
        0,
    )
    assert landing.rows() == []
