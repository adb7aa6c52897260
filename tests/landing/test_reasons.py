"""Landing's codes are those that the table of rows set aside may hold."""

import yaml

from orchestration.ground.checkout import DBT_PROJECT
from orchestration.landing.reasons import Reason


def test_every_reason_of_landing_is_one_that_the_table_accepts():
    project = yaml.safe_load((DBT_PROJECT / "dbt_project.yml").read_text())
    listed = project["vars"]["set_aside_reasons"]
    assert listed[: len(Reason)] == [str(reason) for reason in Reason]
    assert len(set(listed)) == len(listed)
