"""Lines that DuckDB takes apart become the same rows as those that Python does."""

import itertools
import json
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from orchestration.ground.checkout import SOURCE_DEFINITIONS
from orchestration.landing import find_files, json_chunks, json_files, land, load_sources

TABLES = ("unreadable_rows", "repaired_rows", "files")
OF_FILES = "rows_read, note, skipped_reason"
TEXTS = [
    *("", "plain", "Grüße", "日本 🎈", "a, b", "1.50,", "x 1.50, y", " 12.0e5 ", "NaN", ": inf,"),
    *(
        'say "so"',
        "back\\slash",
        "tab\tnew\nline",
        "\u2028\x7f",
        "<b>&amp;</b>",
        "a,]",
        "{,}",
        "[]",
    ),
]
ESCAPED = [
    r'"\u0041\u00fc\u003c\/"',
    *(r'"\ud83c\udf88"', r'"half \ud83c"', r'"nul \u0000."', r'"\ud83c\ud83c"'),
]
ODD = [
    *("NaN", "-Infinity", "Infinity", "nan", "inf", "01", "+1", ".5", "1.", "tru", "'one'"),
    *('{"a":1,}', "[1,]", "[1 , 2]", '{ "a" : [ 1, 2.50 ] }', "[[[]]]", '{"b":{"a":{}}}'),
    *("[" * 600 + "]" * 600, "1" + "0" * 30, "-0", "-0.0", "0e0", "1E+3", "12345678901234567890.1"),
]
LINES = [
    *("", "   ", "\ufeff", "[]", "7", '"text"', "null", "{}", "no json", '{"cut":', '{"a":1}}'),
    *('{"event":"view","event":"cart"}', '{"a\\"b":1,"c*":2,"":3}', ' {"event":"x"} \t'),
]


def numbers() -> Iterator[str]:
    """Numbers of every length before and after the point, as they are and with zeros."""
    draw = random.Random(7)
    for whole, fraction in itertools.product(range(1, 21), range(12)):
        for _ in range(2):
            digits = str(draw.randrange(10 ** (whole - 1), 10**whole))
            point = "." + "".join(draw.choices("0123456789", k=fraction)) if fraction else ""
            yield draw.choice(("", "-")) + digits + point
            yield f"0{point}"


@pytest.fixture
def landed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, list[tuple]]]:
    """The tables of a file of these lines, read by both at once, and by Python alone."""
    sources = load_sources(SOURCE_DEFINITIONS)

    def both(source: str, lines: list[str], chunk: int = 50) -> dict[str, list[tuple]]:
        path = tmp_path / f"{source}.jsonl"
        path.write_bytes("\n".join(lines).encode(errors="surrogatepass"))
        tables = []
        for limit in (1, 10**9):
            monkeypatch.setattr(json_files, "QUICK_LINES", limit)
            monkeypatch.setattr(json_chunks, "CHUNK_LINES", chunk)
            with duckdb.connect() as con:
                now = datetime(2026, 11, 1, tzinfo=UTC)
                land(con, find_files(path), sources[source], landed_at=now)
                found = {name: con.execute(f"from raw.{name} order by all").fetchall()
                         for name in (source, *TABLES[:2])}  # fmt: skip
                found["files"] = con.execute(f"select {OF_FILES} from raw.files").fetchall()
            tables.append(found)
        assert tables[0] == tables[1]
        return tables[0]

    return both


@pytest.fixture
def taken_quickly(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of how many lines of each chunk nothing was left for Python."""
    quick = []

    def read(writer, lines):
        others = json_chunks.read_chunk(writer, lines)
        quick.append(len(lines) - len(others))
        return others

    monkeypatch.setattr(json_files, "read_chunk", read)
    return quick


def row(at: int, **more: str) -> str:
    """A line of Mixpanel's shape whose further values are JSON."""
    pairs = {"event": '"page"', "distinct_id": f'"v{at}"', "time": f"{1_760_000_000 + at}"} | more
    return "{" + ",".join(f'"{key}":{text}' for key, text in pairs.items()) + "}"


def among_others(lines: list[str]) -> list[str]:
    """The lines, each between two that are plain: so not all is left to Python."""
    others = (row(10_000 + at) for at in itertools.count())
    return [*itertools.chain.from_iterable((next(others), line, next(others)) for line in lines)]


def test_texts_and_numbers_come_out_as_they_are_written(landed, taken_quickly):
    values = [*map(json.dumps, TEXTS), *(json.dumps(text, ensure_ascii=False) for text in TEXTS)]
    lines = [row(at, a=text, b=f'{{"a":[{text},1]}}') for at, text in enumerate(values)]
    lines += [row(at, one=each, b=f'[{each},{{"a":{each}}}]') for at, each in enumerate(numbers())]
    rows = landed("mixpanel", among_others(lines), chunk=500)
    assert len(rows["mixpanel"]) == 3 * (36 + 960)
    assert rows["unreadable_rows"] == []
    assert sum(taken_quickly) > 2 * 996 + 100


def test_what_is_odd_is_left_to_python(landed, taken_quickly):
    odd = [row(at, more=text) for at, text in enumerate([*ODD, *ESCAPED])]
    rows = landed("mixpanel", among_others([*odd, *LINES[:-4], *LINES[-3:]]))
    assert {reason for _, _, reason, *_ in rows["unreadable_rows"]} == {"bad_json", "not_an_object"}
    assert {reason for _, _, reason, *_ in rows["repaired_rows"]} == {"bad_escape"}
    assert sum(taken_quickly) > 70


@pytest.mark.parametrize("line", LINES[-4:])
def test_keys_that_cannot_be_asked_for_leave_their_chunk_to_python(landed, taken_quickly, line):
    landed("mixpanel", [*(row(at) for at in range(60)), line])
    assert taken_quickly[0] == 50


def test_lines_of_several_objects_count_for_those_that_follow(landed, taken_quickly):
    lines = [row(at) for at in range(120)]
    lines[70] += lines[71]
    rows = landed("mixpanel", lines)
    assert len(rows["mixpanel"]) == 121
    assert taken_quickly == [50, 0]


def test_columns_of_one_meaning_and_rows_of_many_shapes(landed, taken_quickly):
    draw = random.Random(5)
    keys = ["user_id", "USER-ID", "userId", "event_type", "items", "Items", "price", "shoe size"]
    texts = ['"a"', '""', "null", "[]", "7", '[{"item_id":"x"}]']
    lines = [
        row(at, visitor_id='"v"', event_at='"2026-03-02T10:00:00Z"')[:-1]
        + "".join(f',"{key}":{draw.choice(texts)}' for key in draw.sample(keys, 5))
        + "}"
        for at in range(200)
    ]
    assert len(landed("canonical", lines)["canonical"]) == 200
    assert sum(taken_quickly) == 200


@pytest.mark.parametrize(
    ("times", "quick"),
    [
        ('"event_at":"2026-03-02 10:00:00"', 60),
        ('"event_at":"10:00:00"', 0),
        ('"time":"9:05"', 0),
        ('"event_at":"100000"', 0),
        ('"event_at":100000', 0),
        ('"time":100000', 0),
    ],
)
def test_a_date_is_joined_with_a_time_of_day(landed, taken_quickly, times, quick):
    line = f'{{{times},"date":"2026-03-02","visitor_id":"v","event_type":"page"}}'
    rows = landed("canonical", [line] * 60)["canonical"]
    assert {at for values in rows for at in values if at and "2026-03-02 " in str(at)}
    assert sum(taken_quickly) == quick


def test_a_file_most_of_whose_rows_are_odd_is_not_tried_again(landed, taken_quickly):
    landed("mixpanel", [row(at, price="10.00") for at in range(200)])
    assert taken_quickly == [0]
