"""Dumps that strain a machine: odd names, a row of 50 MB, more rows than fit, a clock set back.

Belongs here: what only shows with real sizes, names and times. Not here: damaged or changing files
(`test_load`), or rows that are no records (beside the readers' tests).
"""

import sys
import unicodedata
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from bench.processes import measured
from orchestration.ground.failures import explained
from orchestration.ground.home import Home
from orchestration.landing import find_files, land
from tests.full_disk import no_file_beyond
from tests.landing.conftest import CLICKS, LANDED_AT

ROOT = Path(__file__).parents[2]
HEADER = "visitor_id,event_at,price\n"
MEGABYTE = 1 << 20

LAND_AND_TELL_ROWS = """
import sys
import duckdb
from orchestration.landing import find_files, land
from tests.landing.conftest import CLICKS, LANDED_AT
con = duckdb.connect(sys.argv[1], config={"memory_limit": "200MB", "threads": 2})
(outcome,) = land(con, find_files(sys.argv[2], CLICKS), CLICKS, landed_at=LANDED_AT)
con.close()
print(outcome.rows_read)
"""


@pytest.fixture
def rows_and_peak(monkeypatch):
    """Land one file into a warehouse in a process of its own: rows read, peak megabytes."""
    monkeypatch.chdir(ROOT)

    def land_apart(warehouse, delivered):
        cost = measured([sys.executable, "-c", LAND_AND_TELL_ROWS, str(warehouse), str(delivered)])
        return int(cost.out.split()[-1]), cost.megabytes  # DuckDB shows progress before

    return land_apart


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize(
    "name",
    [
        "a b  c",
        'it\'s "quoted" `x` $HOME ; drop table',
        "50%25 #1 ?x=1&y [a]{b,c}*",
        "line\nbreak\ttab",
        unicodedata.normalize("NFC", "Übergrößen"),
        unicodedata.normalize("NFD", "Übergrößen"),
        "🛒 покупки 買い物",
        "n" * 240,
    ],
)
def test_a_file_lands_under_the_very_name_it_has(landing, name, ending):
    rows = {
        "csv": HEADER + "v1,t,1\n",
        "jsonl": '{"visitor_id": "v1", "event_at": "t", "price": 1}\n',
    }
    path = f"{name}/{name}.{ending}" if len(name) < 100 else f"{name}.{ending}"
    if ending == "parquet":
        (landing.folder / path).parent.mkdir(exist_ok=True)
        landing.con.execute(
            "copy (select 'v1' as visitor_id, 't' as event_at, '1' as price) to '"
            + str(landing.folder / "_x.parquet")
            + "'"
        )
        (landing.folder / "_x.parquet").rename(landing.folder / path)
    else:
        landing.deliver(path, rows[ending])
    assert [(each.file, each.status) for each in landing.land()] == [(path, "loaded")]
    assert landing.query("select file, rows_read from raw.files") == [(path, 1)]
    assert [row[1:4] for row in landing.rows()] == [("v1", "t", "1")]
    assert [each.status for each in landing.land()] == ["known"]


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_a_row_of_50_megabytes_is_set_aside_and_those_around_it_are_kept(landing, ending):
    long = "x" * (50 * MEGABYTE)
    rows = [("v1", "t", "1"), ("v2", long, "2"), ("v3", "t", "3")]
    template = {
        "csv": "{},{},{}\n",
        "jsonl": '{{"visitor_id":"{}","event_at":"{}","price":"{}"}}\n',
    }[ending]
    header = HEADER if ending == "csv" else ""
    outcome = landing.land_one(
        f"a.{ending}", header + "".join(template.format(*row) for row in rows)
    )
    assert (outcome.rows_read, outcome.rows_unreadable) == (3, 1)
    assert [row[1] for row in landing.rows()] == ["v1", "v3"]
    [(line, reason, kept)] = landing.unreadable()
    assert (line, reason) == (3 if header else 2, "row_too_long")
    assert kept.endswith("... [clipped]")
    assert len(kept) < MEGABYTE


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "rows"),
    [pytest.param("", 400_000, marks=pytest.mark.heavy), ('v,"stray" quote,1\n', 100_000)],
    ids=["clean", "faulty"],
)
def test_four_times_the_rows_take_hardly_more_memory(tmp_path, rows_and_peak, fault, rows):
    peaks = []
    for count in (rows, 4 * rows):
        folder = tmp_path / str(count)
        folder.mkdir()
        with (folder / "a.csv").open("w") as file:
            file.write(HEADER + fault)
            file.writelines(f"visitor-{n:09},2026-10-01T00:00:00Z,{n}\n" for n in range(count))
        rows_read, peak = rows_and_peak(f"{folder}.duckdb", folder)
        assert rows_read == count + bool(fault)
        peaks.append(peak)
    assert peaks[1] < 1.5 * peaks[0]


@pytest.mark.slow
@pytest.mark.parametrize("count", [300_000, pytest.param(10_000_000, marks=pytest.mark.heavy)])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_many_rows_land_in_bounded_memory(tmp_path, rows_and_peak, ending, count):
    file, warehouse = tmp_path / f"a.{ending}", tmp_path / "warehouse.duckdb"
    duckdb.execute(
        "copy (select 'v' || nth % 1000000 as visitor_id, timestamp '2026-10-01' as event_at,"
        f" nth as price from range({count}) as rows(nth)) to '{file}'"
    )
    rows_read, peak = rows_and_peak(warehouse, file)
    assert rows_read == count
    assert peak < 600  # measured 2026-11-28: 330 MB, of which DuckDB may take 200
    first = 2 if ending == "csv" else 1
    with duckdb.connect(str(warehouse)) as con:
        assert con.execute(
            "select count(*), sum(price::bigint), count(distinct visitor_id), min(_line),"
            f" max(_line), count(*) filter (price::bigint + {first} <> _line) from raw.clicks"
        ).fetchall() == [
            (count, count * (count - 1) // 2, min(count, 1_000_000), first, count + first - 1, 0)
        ]
        assert con.execute("select rows_read, note from raw.files").fetchall() == [(count, None)]
        assert con.execute("select count(*) from raw.unreadable_rows").fetchall() == [(0,)]


def test_a_full_disk_leaves_whole_files_only_and_with_room_again_the_others_come(tmp_path):
    for name, count in (("a", 10), ("b", 300_000)):
        rows = "".join(f"visitor-{n * n},2026-10-01T00:00:00Z,{n}\n" for n in range(count))
        (tmp_path / f"{name}.csv").write_text(HEADER + rows)
    files = find_files(tmp_path, CLICKS)
    warehouse = str(tmp_path / "warehouse.duckdb")
    with duckdb.connect(warehouse) as con:
        land(con, files[:1], CLICKS, landed_at=LANDED_AT)
    size = Path(warehouse).stat().st_size
    with no_file_beyond(size + 300_000), suppress(duckdb.Error):
        # a file this small fits, the other one does not
        con = duckdb.connect(warehouse)
        with pytest.raises(duckdb.Error) as failure:
            land(con, files, CLICKS, landed_at=LANDED_AT)
        con.close()
    reported = str(explained(failure.value, Home(tmp_path)))
    assert reported.startswith("there is no room to write (File too large), ")
    counts = "select _load_id, count(*) from raw.clicks group by 1 order by 1"
    loads = "select load_id, rows_read from raw.files order by 1"
    with duckdb.connect(warehouse) as con:
        assert con.execute(counts).fetchall() == con.execute(loads).fetchall() == [(1, 10)]
        outcomes = land(con, files, CLICKS, landed_at=LANDED_AT)
        assert [each.status for each in outcomes] == ["known", "loaded"]
        assert con.execute(counts).fetchall() == [(1, 10), (2, 300_000)]


def test_after_the_clock_was_set_back_files_land_no_earlier_than_those_before(landing):
    landing.deliver("a.csv", HEADER + "v1,t,1\n")
    landing.land()
    landing.deliver("b.csv", HEADER + "v2,t,2\n")
    files = find_files(landing.folder, CLICKS)
    land(landing.con, files, CLICKS, landed_at=LANDED_AT - timedelta(days=2))
    landing.deliver("c.csv", HEADER + "v3,t,3\n")
    files = find_files(landing.folder, CLICKS)
    land(landing.con, files, CLICKS, landed_at=LANDED_AT + timedelta(hours=1))
    noon = LANDED_AT.replace(tzinfo=None)
    assert landing.query("select file, landed_at from raw.files order by load_id") == [
        ("a.csv", noon),
        ("b.csv", noon),
        ("c.csv", noon + timedelta(hours=1)),
    ]
