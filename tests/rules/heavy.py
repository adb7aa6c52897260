"""What `make prove` adds to `make test`: the same tests over many more logs."""

from collections.abc import Iterable

import pytest


def heavy(values: Iterable) -> list:
    """The values as parameters that only `make prove` runs."""
    return [pytest.param(value, marks=pytest.mark.heavy) for value in values]
