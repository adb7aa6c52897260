"""JSON that is not one object a line, and what is odd in a file of lines."""

import codecs
import gzip
import json

import pyarrow as pa
import pytest

from orchestration.landing import json_objects, streams

OBJECTS = [{"visitor_id": f"v{n}", "ts": f"t{n}", "price": n} for n in range(4)]
LINES = [json.dumps(each) for each in OBJECTS]
VISITORS = [each["visitor_id"] for each in OBJECTS]
MARK = codecs.BOM_UTF8.decode()


def visitors(landing) -> list[str]:
    return [row[1] for row in landing.rows()]


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


FORMS = {
    "an array": "[" + ",".join(LINES) + "]",
    "an array, a line each": "[\n" + ",\n".join(LINES) + "\n]\n",
    "an array, pretty": json.dumps(OBJECTS, indent=4),
    "an array, pretty, Windows line ends": json.dumps(OBJECTS, indent=1).replace("\n", "\r\n"),
    "two arrays": f"[{LINES[0]}]\n[{','.join(LINES[1:])}]",
    "an array of arrays' sisters": f"[{LINES[0]},{LINES[1]}]{LINES[2]}\n{LINES[3]}",
    "no line ends": "".join(LINES),
    "blanks between": "  ".join(LINES),
    "commas between": ",\n".join(LINES),
    "pretty objects": "\n".join(json.dumps(each, indent=2) for each in OBJECTS),
    "a mark before": MARK + "\n".join(LINES),
    "marks before an array": f"{MARK}\n[{','.join(LINES)}]",
    "a mark before each": "\n".join(MARK + line for line in LINES),
    "files put together without an end": MARK
    + LINES[0]
    + "\n"
    + LINES[1]
    + MARK
    + "\n".join(LINES[2:]),
    "JSON text sequences": "".join(f"\x1e{line}\n" for line in LINES),
    "two on a line": f"{LINES[0]}\n{LINES[1]}{LINES[2]}\n{LINES[3]}\n",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("ending", ["json", "jsonl.gz", "ndjson.zst", "csv"])
def test_the_same_rows_in_any_form(landing, form, ending):
    content = FORMS[form].encode()
    packed = {"gz": gzip.compress, "zst": zstd}.get(ending.rpartition(".")[2], bytes)
    outcome = landing.land_one(f"a.{ending}", packed(content))
    assert (outcome.rows_read, outcome.rows_unreadable) == (4, 0)
    assert [row[1:4] for row in landing.rows()] == [(f"v{n}", f"t{n}", str(n)) for n in range(4)]
    assert len({row[0] for row in landing.rows()}) == 4


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("form", ["an array", "an array, pretty", "a mark before", "no line ends"])
def test_utf_16_is_read_with_a_note(landing, form, encoding):
    outcome = landing.land_one("a.json", FORMS[form].encode(encoding))
    assert visitors(landing) == VISITORS
    name = encoding.upper()[:6]
    assert outcome.note == f"the text is {name}; read as such"


def test_an_array_in_windows_1252_is_read_with_a_note(landing):
    content = '[{"visitor_id": "jürgen"},\n{"visitor_id": "renée €"}]'.encode("windows-1252")
    outcome = landing.land_one("a.json", content)
    assert visitors(landing) == ["jürgen", "renée €"]
    assert (outcome.note, outcome.rows_repaired) == (
        "the text is not UTF-8; read as Windows-1252",
        0,
    )


def test_lines_of_objects_begin_where_they_begin_in_the_file(landing):
    landing.land_one("a.json", "[\n{\n" + LINES[0][1:] + ",\n\n" + LINES[1] + ", " + LINES[2] + "]")
    assert [row[:2] for row in landing.rows()] == [(2, "v0"), (5, "v1"), (6, "v2")]


def test_a_broken_object_costs_itself_and_not_what_is_within_it(landing):
    broken = '{"visitor_id": "x", "items": [{"sku": 1}, {"sku": 2}] "oops": {"a": 1}}'
    outcome = landing.land_one("a.json", f"[{LINES[0]}, {broken}, {LINES[1]},\n{LINES[2]}]")
    assert visitors(landing) == VISITORS[:3]
    assert [row[1:] for row in landing.unreadable()] == [("bad_json", broken)]
    assert outcome.rows_read == 4


@pytest.mark.parametrize("content", ["[]", "[]\n", " [ ] \r\n\n", "[\n]\n", MARK + "[]\n"])
def test_an_empty_array_is_an_hour_without_events(landing, content):
    outcome = landing.land_one("a.json", content)
    assert (outcome.rows_read, outcome.note) == (0, "the file holds no rows")


def test_empty_arrays_one_a_line_are_rows_that_are_none(landing):
    outcome = landing.land_one("a.jsonl", "[]\n\n[]\n")
    assert (outcome.rows_read, outcome.rows_unreadable) == (2, 2)


@pytest.mark.parametrize(
    "other", ["2026-11-20 INFO {}", "# begun, by cron", "12 34", "visitor_id,ts", "visitor_id;ts"]
)
def test_a_line_that_is_no_json_costs_one_row_wherever_it_is(landing, other):
    line = other.replace("{}", LINES[2])
    outcome = landing.land_one("a.jsonl", f"{line}\n{LINES[0]}\n\t\n{line}\n{LINES[1]}\n\x1a")
    assert visitors(landing) == VISITORS[:2]
    assert (outcome.rows_read, outcome.note) == (4, None)
    assert [row[:2] for row in landing.unreadable()] == [(1, "bad_json"), (4, "bad_json")]


def test_what_is_no_object_in_an_array_is_set_aside(landing):
    landing.land_one("a.json", f'[{LINES[0]}, 1, "x", [2], null, {LINES[1]}]')
    assert [row[1:] for row in landing.unreadable()] == [
        ("not_an_object", "1"),
        ("not_an_object", '"x"'),
        ("not_an_object", "[2]"),
        ("not_an_object", "null"),
    ]
    assert visitors(landing) == VISITORS[:2]


@pytest.mark.parametrize(
    ("cut", "rows", "aside", "note"),
    [
        (1, 4, 0, "the file ends before its array does"),
        (5, 3, 1, "the file ends inside its last record"),
    ],
)
def test_an_array_that_is_cut_gives_up_what_it_holds(landing, cut, rows, aside, note):
    outcome = landing.land_one("a.json", FORMS["an array"][:-cut])
    assert (len(landing.rows()), outcome.rows_unreadable, outcome.note) == (rows, aside, note)
    assert [row[1] for row in landing.unreadable()] == ["cut_row"] * aside


def test_objects_across_chunks_and_longer_than_them_are_whole(landing, monkeypatch):
    monkeypatch.setattr(streams, "_CHUNK_BYTES", 50)
    rows = [{"visitor_id": f"é{n}", "ts": "ü" * (n % 7 * 40)} for n in range(300)]
    landing.land_one("a.json", json.dumps(rows, ensure_ascii=False))
    assert [row[1] for row in landing.rows()] == [f"é{n}" for n in range(300)]


def test_a_row_above_the_limit_in_an_array_is_set_aside(landing):
    rows = [LINES[0], '{"ts": "' + "x" * 5_000 + '"}', LINES[1]]
    landing.land_one("a.json", f"[{','.join(rows)}]", row_limit=1_000)
    assert visitors(landing) == VISITORS[:2]
    assert [row[1] for row in landing.unreadable()] == ["row_too_long"]


@pytest.mark.parametrize(("open_", "close"), [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize("depth", [501, 600, 100_000])
@pytest.mark.parametrize("form", ["{}\n{}\n{}\n", "[{},{},{}]"])
def test_a_row_nested_deep_is_set_aside_at_once(landing, open_, close, depth, form):
    deep = '{"visitor_id": "x", "x": ' + open_ * depth + "1" + close * depth + "}"
    landing.land_one("a.json", form.format(LINES[0], deep, LINES[1]))
    assert visitors(landing) == VISITORS[:2]
    assert [row[1] for row in landing.unreadable()] == ["bad_json"]


def test_a_row_nested_less_deep_is_kept_whole(landing):
    deep = '{"a":[' * 240 + "1" + "]}" * 240
    landing.land_one("a.json", '{"visitor_id": "x", "price": ' + deep + "}")
    assert landing.rows() == [(1, "x", None, deep, None)]


def test_a_row_of_thousands_of_keys_is_set_aside_and_the_others_read(landing):
    wide = json.dumps({"visitor_id": "w"} | {f"k{n}": n for n in range(20_000)})
    landing.land_one("a.jsonl", f"{LINES[0]}\n{wide}\n{LINES[1]}\n")
    assert visitors(landing) == VISITORS[:2]
    assert [row[:2] for row in landing.unreadable()] == [(2, "unknown_columns")]
    assert landing.query("select detail from raw.unreadable_rows") == [
        ("the row has 20001 columns, the limit is 2000",)
    ]


def test_a_long_array_is_read_in_parts(landing, monkeypatch):
    count = 20_000
    monkeypatch.setattr(streams, "_CHUNK_BYTES", 10_000)
    sizes = []
    load = json_objects.Objects._load

    def watched(self, wanted=1):
        answer = load(self, wanted)
        sizes.append(len(self._text))
        return answer

    monkeypatch.setattr(json_objects.Objects, "_load", watched)
    content = "[" + ",".join(f'{{"ts": {n}}}' for n in range(count)) + "]"
    outcome = landing.land_one("a.json", content)
    assert outcome.rows_read == count
    assert max(sizes) < 21_000
