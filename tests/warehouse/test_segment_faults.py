"""What is said of a segment that fails while an hour is built."""

import pytest

from orchestration.drafts import new_segment
from orchestration.ground.home import Home
from orchestration.ground.project import project_of
from orchestration.warehouse.build_result import NodeResult
from orchestration.warehouse.segment_faults import _what_failed


@pytest.mark.parametrize(
    ("where", "message", "said"),
    [
        (
            "{{ as_off() }} > last_seen_at",
            "Compilation Error in model big (models/segments/big.sql) 'as_off' is undefined.",
            "its template is wrong (nothing is called as_off)",
        ),
        (
            "{{ 1 / 0 }} > 1",
            "Compilation Error in model big (models/segments/big.sql) division by zero",
            "its template is wrong (it cannot be made into SQL)",
        ),
        (
            "person_id::int > 0",
            "Runtime Error in model big Conversion Error: Could not convert string 'ann@x' to INT",
            "its SQL failed (Conversion Error: Could not convert string)",
        ),
    ],
)
def test_a_template_is_told_from_a_query_and_no_value_is_said(tmp_path, where, message, said):
    home = Home(tmp_path)
    _, sql = new_segment(home, "big")
    sql.write_text(f"select person_id from {{{{ ref('people') }}}} where {where}\n")
    project_of(home)
    node = NodeResult("model.comeback.segment_members", "error", 0.1, None, message)
    assert _what_failed(home, "big", node) == said
