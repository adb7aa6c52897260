"""What is said, and what is not, of a model that failed."""

import pytest

from orchestration.warehouse.build_result import without_values


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            "Conversion Error: Could not convert string 'ann@x' to INT32 when casting column a",
            "Conversion Error: Could not convert string ... to INT32 when casting column a",
        ),
        ('Invalid Input Error: "it\'s ann" is "no" date', "Invalid Input Error: ... date"),
        (
            "Conversion Error: Casting 491701234567 to DECIMAL(18,3) failed",
            "Conversion Error: Casting ... to DECIMAL(18,3) failed",
        ),
        (
            "Out of Range Error: Overflow (-7 * 2.5)! LINE 3: x",
            "Out of Range Error: Overflow (... * ...)! LINE 3: x",
        ),
        (
            "Got 34 results, configured to fail if != 0",
            "Got 34 results, configured to fail if != 0",
        ),
        ("Binder Error: column 'a' LINE 2: 'a' > 5", "Binder Error: column 'a' LINE 2: 'a' > 5"),
    ],
)
def test_no_value_of_the_data_is_in_the_message_of_a_model(message, said):
    assert without_values(message) == said
