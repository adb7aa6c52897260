"""Which files say too little, at the boundaries: by hand, in SQL and in the reference."""

from .cases import LOADED_AT, MONDAY, Row, add, buy, event, log, view
from .reference_rows import is_suspect
from .warehouse import Warehouse


def bad(visitor: str) -> Row:
    return view(visitor, "09:00", event_at="26.11.2026 09:00:00")


def priced(*prices: str) -> list[Row]:
    return [add("ann", f"0{n}:00", price=price) for n, price in enumerate(prices, 1)]


# What the file is like, its rows, and whether it is suspect.
FILES: list[tuple[str, list[Row], bool]] = [
    ("all rows dropped", [bad("ann"), bad("bob")], True),
    ("one of one dropped", [bad("ann")], True),
    ("half dropped", [bad("ann"), view("ann", "01:00")], False),
    ("two of three dropped", [bad("ann"), bad("bob"), view("ann", "02:00")], True),
    (
        "dropped for several reasons",
        [bad("ann"), event(None, "03:00", "page_view"), view("ann", "03:00")],
        True,
    ),
    (
        "no type that is known",
        [event("ann", "04:00", "Artikel"), event("ann", "04:01", "Korb")],
        True,
    ),
    ("one type that is known", [event("ann", "05:00", "Korb"), view("ann", "05:01")], False),
    ("passive types only", [event("ann", "06:00", "email_open")], False),
    (
        "a known type in a row that is dropped only",
        [bad("ann"), event("ann", "07:00", "Korb")],
        True,
    ),
    ("half of the prices unreadable", priced("1.00", "1,00"), False),
    ("most prices unreadable", priced("1.00", "1,00", "2,00"), True),
    ("a price below zero is one that cannot be read", priced("-1"), True),
    ("prices of dropped rows do not count", [*priced("1.00"), bad("ann") | {"price": "x"}], False),
    ("rows without a price do not count", [*priced("1,00"), *[view("ann", "08:00")] * 5], True),
    ("most order values unreadable", [buy("ann", "09:00", order_value="129,90")], True),
    (
        "rows without consent say nothing",
        [*[event("(no consent)", "11:00", "page_view")] * 5, bad("ann"), view("ann", "11:00")],
        False,
    ),
    (
        "nor do they speak for the others",
        [*[event("(no consent)", "12:00", "page_view")] * 5, bad("ann")],
        True,
    ),
    ("quantities are no prices", [add("ann", "10:00", quantity="two")], False),
]


def test_a_file_is_suspect_that_says_too_little(warehouse: Warehouse) -> None:
    rows, files = [], []
    for number, (_, content, _) in enumerate(FILES, 1):
        own = log(*content)
        rows += own
        files += [number] * len(own)
    warehouse.build(rows, MONDAY, tables=("landed_files",), files=files)
    found = {
        row["file"]: row["is_suspect"] for row in warehouse.query("select * from landed_files")
    }
    assert {name: found[f"{number}.csv"] for number, (name, _, _) in enumerate(FILES, 1)} == {
        name: expected for name, _, expected in FILES
    }


def test_a_file_that_passed_stays_so_though_rows_of_it_are_taken_away(
    warehouse: Warehouse,
) -> None:
    rows = [bad("ann"), event("bob", "02:00", "Korb"), bad("cat")]
    warehouse.empty()
    warehouse.land(rows, [1, 2, 3])
    warehouse.connection.execute("insert into raw.passed_files values (1), (2)")
    warehouse.follow(MONDAY, tables=("landed_files",))
    found = warehouse.query("select file, is_suspect from landed_files order by file")
    assert [tuple(row.values()) for row in found] == [
        ("1.csv", False),
        ("2.csv", False),
        ("3.csv", True),
    ]


def test_the_reference_says_the_same() -> None:
    assert {name: is_suspect(log(*rows), LOADED_AT) for name, rows, _ in FILES} == {
        name: expected for name, _, expected in FILES
    }
