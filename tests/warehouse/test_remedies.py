"""What is said to do about rows that were set aside."""

import yaml

from orchestration.ground.checkout import DBT_PROJECT
from orchestration.warehouse import remedies


def test_what_to_do_is_said_of_reasons_that_there_are():
    project = yaml.safe_load((DBT_PROJECT / "dbt_project.yml").read_text())
    known = project["vars"]["set_aside_reasons"]
    said = [reason for reason in known if remedies.remedy(reason)]
    assert len(said) == len(remedies._BY_REASON)
    assert remedies.remedy("erased") is None
    # what landing mends, what only nulls a field, and what is not the file's fault
    assert [reason for reason in known if reason not in said] == [
        *("row_too_long", "erased", "superseded", "not_utf8", "nul_bytes", "bad_escape"),
        *("no_consent", "bad_channel", "bad_reason", "bad_status", "bad_time_zone"),
        "bad_quantity",
    ]
    assert remedies.with_remedy("2 of 3", None) == "2 of 3"
    assert remedies.with_remedy("2 of 3", "do so") == "2 of 3; do so"
