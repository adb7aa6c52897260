"""How what is learned of people is written: fields as JSON, arrays as plain numbers.

What belongs here: writing. What does not: reading it back, which each scorer does itself, as it
knows its own fields.
"""

import json
from collections.abc import Mapping

import numpy as np


def as_json(fields: Mapping[str, object]) -> bytes:
    """The fields as one line that is the same for the same fields."""
    return json.dumps(fields, sort_keys=True, allow_nan=False).encode()


def as_floats(values: np.ndarray) -> tuple[float, ...]:
    """(n,) numbers as Python's own."""
    return tuple(float(each) for each in values)
