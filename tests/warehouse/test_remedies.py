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
    assert remedies.with_remedy("2 of 3", None) == "2 of 3"
    assert remedies.with_remedy("2 of 3", "do so") == "2 of 3; do so"
