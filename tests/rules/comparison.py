"""Compare tables of rows whatever their order, with differences a reader can act on.

Belongs here: the comparing of rows. Not here: where rows come from.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

Tables = Mapping[str, Sequence[dict]]


def assert_expected(actual: Tables, expected: Tables, of: str = "") -> None:
    """Every expected table is there row for row, in the columns that its rows name.

    `of` says which log they are of, where there are several.
    """
    for name, rows in expected.items():
        columns = rows[0].keys() if rows else ()
        found = [{key: row[key] for key in columns} for row in actual[name]]
        assert_same_rows(f"{name} of '{of}'" if of else name, found, rows)


def assert_same_tables(actual: Tables, expected: Tables) -> None:
    """The tables are the same and alike row for row."""
    assert actual.keys() == expected.keys()
    for name, rows in expected.items():
        assert_same_rows(name, actual[name], rows)


def assert_same_rows(name: str, actual: Sequence[dict], expected: Sequence[dict]) -> None:
    """The same rows, as often; order is not looked at."""
    found, wanted = Counter(map(_comparable, actual)), Counter(map(_comparable, expected))
    assert found == wanted, "\n".join(
        [
            f"{name} differs",
            *(f"  missing    {dict(row)}" for row in sorted((wanted - found).elements(), key=str)),
            *(f"  unexpected {dict(row)}" for row in sorted((found - wanted).elements(), key=str)),
        ]
    )


def _comparable(row: dict) -> tuple:
    # Hours are doubles and may differ in the last bits; nothing else is rounded.
    return tuple(
        sorted(
            (key, round(value, 9) if isinstance(value, float) else value)
            for key, value in row.items()
        )
    )
