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
        # how DuckDB says it of a text that is no time, and of a key that is there already
        (
            'Invalid Input Error: Could not parse string "ann@x O\'Brien" according to format'
            ' specifier "%Y-%m-%d" ann@x O\'Brien ^ Error: Expected a number',
            "Invalid Input Error: Could not parse string ... Error: Expected a number",
        ),
        (
            'Constraint Error: Duplicate key "k: ann@x" violates primary key constraint.',
            "Constraint Error: Duplicate key ... violates primary key constraint.",
        ),
        (
            "Conversion Error: Could not convert string 'ann' to INT32 LINE 12: select a::int ^^",
            "Conversion Error: Could not convert string ... to INT32 LINE 12: select a::int ^^",
        ),
        (
            "Conversion Error: It can't be \"O'Brien, ann\" or 12,491701234567",
            "Conversion Error: It can't be ... or ...,...",
        ),
        (
            "Conversion Error: Type DOUBLE with value 1e+30 in INTEGER(49) or (491701234567)",
            "Conversion Error: Type DOUBLE with value ... in INTEGER(49) or (...)",
        ),
        ("Invalid Input Error: missing ): ann@x.org(", "Invalid Input Error: missing ): ..."),
        ("Binder Error: column 'a' LINE 2: 'a' > 5", "Binder Error: column 'a' LINE 2: 'a' > 5"),
    ],
)
def test_no_value_of_the_data_is_in_the_message_of_a_model(message, said):
    assert without_values(message) == said
