"""The bench measures what it says it does; its figures themselves are no test."""

import itertools
import json
import sys
from contextlib import nullcontext
from datetime import datetime, timedelta
from decimal import Decimal
from unittest.mock import Mock

import duckdb
import polars as pl
import pytest

from bench import __main__ as bench_main
from bench import by_hand, ga4, measurements, shops, split, table
from bench.processes import HERE, Checkout, Cost, ProcessFailedError, measured
from bench.split import RunRecord
from bench.table import Machine, Results, Row
from orchestration.ground.checkout import DBT_PROJECT
from orchestration.ground.home import Home
from orchestration.landing import find_files
from orchestration.landing.locations import sources_in
from orchestration.landing.recognition import recognized


@pytest.fixture(scope="module")
def dumps(tmp_path_factory):
    """Two months of a small shop."""
    folder = tmp_path_factory.mktemp("dumps")
    for age in (0, 1):
        shops.write_month(folder / f"{age:02}", age, events=6_000)
    return folder


def read(folder, files="*.parquet"):
    rows = pl.read_parquet(folder / files).with_columns(at=shops.READ_AT)
    return rows.filter(pl.col("at").is_between(datetime(2026, 1, 1), datetime(2027, 1, 1)))


@pytest.mark.parametrize("statement", by_hand.STATEMENTS.values(), ids=by_hand.STATEMENTS)
def test_the_statements_by_hand_cut_where_the_gap_is_over_half_an_hour(statement, tmp_path):
    rows = [
        ("e1", "one", "2026-10-01T00:00:00.000Z", "view_item", None),
        ("e2", "one", "2026-10-01T00:30:00.000Z", "purchase", "9.99"),
        ("e3", "one", "2026-10-01T01:00:00.001Z", "view_item", None),
        ("e4", "two", "2026-10-01T00:30:00.000Z", "add_to_cart", "free"),
        ("e5", "two", "yesterday", "add_to_cart", None),
        ("e6", None, "2026-10-01T00:30:00.000Z", "add_to_cart", None),
    ]
    names = ("event_id", "visitor_id", "event_at", "event_type", "order_value")
    others = [pl.lit(None, pl.String).alias(n) for n in by_hand.COLUMNS if n not in names]
    frame = pl.DataFrame(rows, schema=names, orient="row").with_columns(others)
    two = pl.lit([[{"item_id": "a"}, {"item_id": "b"}]]).first()
    items = pl.when(pl.col("event_id") == "e4").then(two)
    frame.with_columns(items=items).write_parquet(tmp_path / "day.parquet")
    assert statement(str(tmp_path)) == 3


def test_a_longer_history_is_other_people_in_the_month_before(dumps):
    newest, before = read(dumps / "00"), read(dumps / "01")
    assert newest["at"].max() < datetime(2026, 11, 1)
    assert newest["at"].min() >= datetime(2026, 9, 27) > before["at"].max()
    for name in ("event_id", "visitor_id", "order_id"):
        ids = [set(m[name].filter(m[name].str.len_chars() > 9)) for m in (newest, before)]
        assert all(ids)
        # only ids that mean nobody are in both
        assert not any(each.startswith("m") for each in ids[0] & ids[1])


def test_one_add_in_five_is_of_two_items_in_a_list_and_all_else_of_none(dumps):
    rows = pl.read_parquet(dumps / "*" / "*.parquet")
    is_listed = pl.col("items").is_not_null()
    adds, listed = rows.filter(pl.col("event_type") == "add_to_cart"), rows.filter(is_listed)
    assert (adds.height, listed.height) == (343, 78)
    assert listed["event_type"].unique().to_list() == ["add_to_cart"]
    assert listed["items"].list.len().unique().to_list() == [2]
    # no item of the listed adds stands in the columns of one item, every item of the others does
    assert listed.select(pl.col(shops.ITEM_FIELDS).is_null().all()).row(0) == (True,) * 5
    assert adds.filter(~is_listed)["item_id"].null_count() == 0
    lines = listed.explode("items").select("page_url", pl.col("items").struct.unnest())
    assert lines.height == 156
    own = pl.col("page_url").str.ends_with("/" + pl.col("item_id"))
    first, second = lines.filter(own), lines.filter(~own)
    assert (first.height, second.height) == (78, 78)
    assert second["price"].cast(pl.Decimal(18, 2)).sum() == Decimal("6215.37")
    assert second.null_count().sum_horizontal().item() == 0


def test_lists_change_neither_the_rows_nor_what_is_added_first(dumps, tmp_path, monkeypatch):
    monkeypatch.setattr(shops, "_listed", lambda rows, _: rows)
    shops.write_month(tmp_path / "00", 0, events=6_000)
    plain, rows = (pl.read_parquet(of / "00" / "*.parquet") for of in (tmp_path, dumps))
    first = pl.col("items").list.first()
    merged = rows.with_columns(
        pl.when(pl.col("items").is_null())
        .then(name)
        .otherwise(first.struct.field(name))
        .alias(name)
        for name in shops.ITEM_FIELDS
    )
    assert merged.drop("items").equals(plain.drop("items"))


def test_a_row_delivered_twice_has_the_same_list_twice(dumps):
    rows = pl.read_parquet(dumps / "*" / "*.parquet").drop_nulls("event_id")
    adds = rows.filter(pl.col("event_type") == "add_to_cart", pl.len().over("event_id") > 1)
    lists = adds.group_by("event_id").agg(pl.col("items").is_null().n_unique())
    assert lists.height > 0
    assert lists["items"].to_list() == [1] * lists.height


def test_an_hour_more_is_of_old_and_new_visitors_and_a_twentieth_is_late(dumps):
    rows = shops.more_rows(dumps / "00", 2, rows=200)
    at = rows["event_at"].str.to_datetime("%+", time_unit="us").dt.replace_time_zone(None)
    is_late = at < shops.hour_after(0)
    assert rows.height == 200
    assert rows.columns == pl.read_parquet_schema(next((dumps / "00").iterdir())).names()
    assert is_late.sum() == 10
    assert at.filter(~is_late).min() >= shops.hour_after(1)
    assert at.max() < shops.hour_after(2)
    assert rows["event_id"].str.starts_with("h2-").all()
    adds = rows.filter(pl.col("event_type") == "add_to_cart")
    assert (adds.height, adds["items"].count()) == (9, 1)
    assert adds["items"].list.len().drop_nulls().to_list() == [2]
    assert rows.equals(shops.more_rows(dumps / "00", 2, rows=200))
    known = set(read(dumps / "00")["visitor_id"])
    assert set(rows["visitor_id"]) & known
    assert set(rows["visitor_id"]) - known


def test_who_comes_back_did_the_same_45_days_before_in_rows_and_orders_of_their_own(tmp_path):
    people = tmp_path / "00"
    shops.write_returning(people, 0, events=6_000)
    now, before = read(people, "2*.parquet"), read(people, "before_*.parquet")
    ids = ("event_id", "order_id")
    same = now.columns[: now.width - 1]
    kept = [name for name in same if name not in ("event_at", *ids)]
    assert now.height == before.height > 2_500
    assert before.select(kept).equals(now.select(kept))
    assert (now["at"] - before["at"]).unique().to_list() == [timedelta(days=45)]
    real = now["event_id"].str.starts_with("g0-")
    assert real.mean() > 0.95
    assert (before["event_id"].filter(real) == "b-" + now["event_id"].filter(real)).all()
    orders = now["order_id"].str.starts_with("g0-").fill_null(value=False)
    assert orders.sum() > 10
    assert (before["order_id"].filter(orders) == "b-" + now["order_id"].filter(orders)).all()
    days = [path.stem for path in shops.newest_days(people, 3)]
    assert days == ["2026-10-29", "2026-10-30", "2026-10-31"]
    more = shops.more_rows(people, 1, rows=200)
    assert set(more["visitor_id"]) & set(before["visitor_id"])


def test_rows_of_ga4_are_the_same_in_both_forms_and_known_as_such(tmp_path, monkeypatch):
    monkeypatch.setattr(ga4, "FILE_ROWS", 200)
    monkeypatch.setattr(ga4, "DRAWN_FILES", 1)
    ga4.write(tmp_path, 300)
    read = {form: ga4.by_hand(form, tmp_path) for form in measurements.GA4_FORMS}
    assert read == {"json": 300, "parquet": 300}
    assert [len([*(tmp_path / form).iterdir()]) for form in read] == [2, 2]
    found = {}
    for form in read:
        with duckdb.connect(str(tmp_path / f"{form}.duckdb")) as con:
            found[form] = con.execute(
                "select event_timestamp::bigint, event_name, len(event_params), items[1].price,"
                " user_pseudo_id from read order by all"
            ).fetchall()
        files = find_files(tmp_path / form)
        assert recognized(files, sources_in(DBT_PROJECT)).source == "ga4"
    assert found["json"] == found["parquet"]
    # beyond those that are drawn it is the same rows of other visitors
    assert (len({row[0] for row in found["json"]}), len({*found["json"]})) == (200, 300)
    drawn = {name for _, name, *_ in found["json"]}
    assert {"page_view", "view_item", "add_to_cart"} <= drawn <= set(ga4.STEPS)


def test_the_peak_of_memory_is_the_process_s_own():
    held = b"x" * 200_000_000
    cost = measured([sys.executable, "-c", "print('done')"])
    assert cost.out == "done\n"
    assert cost.megabytes < 100 < len(held) / 1e6
    assert measured([sys.executable, "-c", "b'x' * 200_000_000"]).megabytes > 190


def test_the_seconds_of_the_processor_are_not_those_of_the_clock():
    waiting = measured([sys.executable, "-S", "-c", "import time; time.sleep(2)"])
    assert waiting.cpu_seconds < 1.5 < 2 <= waiting.seconds
    working = "import time\nwhile time.process_time() < 0.5: pass"
    assert measured([sys.executable, "-S", "-c", working]).cpu_seconds >= 0.5


def test_a_process_that_fails_is_not_measured():
    with pytest.raises(ProcessFailedError, match="ended with 1: no such thing"):
        measured([sys.executable, "-c", "raise SystemExit('no such thing')"])


def test_the_parts_of_an_hour_are_the_whole_of_its_seconds():
    builds = "dbt: {} nodes in {} s, {} of it their own.\n"
    progress = (
        "Landed 1 files, 9 rows.\n" + builds.format(103, 3.0, 2.0) + builds.format(9, 1.0, 0.5)
    )
    steps = {"landing": 0.5, "dbt_models": 3.5, "people_models": 1.5}
    steps |= {"cart_scores": 0.25, "person_scores": 0.5, "published_database": 1.0}
    parts = split.split(
        Cost(12.0, 600.0, began=100.0, progress=progress), RunRecord(103.0, 111.5, steps)
    )
    assert list(parts.values()) == [3.0, 2.25, 0.5, 1.5, 2.5, 0.75, 1.0, 0.5]
    assert sum(parts.values()) == 12.0


def test_results_are_kept_as_they_were_and_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "RESULTS", tmp_path)
    monkeypatch.setattr(table, "PICTURE", tmp_path / "bench.png")
    machine = Machine("a processor", 2, 24.0, "Linux", "3.11.7", {"duckdb": "2.0.0"})
    rows = [
        Row("a", "Comeback", 5.0, 900.0, 2.5, 1_000_000, "build"),
        Row("a", "by hand", 2.0, 500.0, 1.0, 1_000_000, "duckdb"),
        Row("b", "in pandas", None, events=1_000_000, key="pandas"),
        Row("d", "    Dagster", 2.0, events=1_000_000, key="split"),
    ]
    results = Results("2026-11-22", machine, rows, {"1 million": {"events": 1.5}}, ["with lists"])
    path = results.keep()
    assert path.name == "2026-11-22.json"
    assert Results.read(path) == results
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")


def test_the_table_has_every_part_and_compares_like_with_like(dumps, tmp_path, monkeypatch):
    seconds = itertools.count(1)

    def cost_of(command, *_):
        out = json.dumps({"landing": 1.0, "nodes": {"events": 2.0, "carts": 3.0}})
        if "pandas" in command:
            raise ProcessFailedError("no memory left")
        return Cost(next(seconds), 100.0, out=out if "build" in command else "7")

    (tmp_path / "dumps").symlink_to(dumps)
    monkeypatch.setattr(measurements, "measured", cost_of)
    monkeypatch.setattr(measurements, "split", Mock(**{"split.return_value": {"Dagster": 3.0}}))
    monkeypatch.setattr(measurements, "shutil", Mock())
    seen = Mock(**{"watching.return_value": nullcontext(), "seconds_to_export.return_value": 50.0})
    monkeypatch.setattr(measurements, "ui", seen)
    monkeypatch.setattr(measurements, "ga4", Mock())
    bench = measurements.Bench(tmp_path, [6_000, 12_000], carts=10)
    rows = list(bench.rows())
    history = ["a", "b", "b", "a", "", "d", "d", "d", "c"]
    assert [row.part for row in rows] == [*history, *history, "e", "e", "f", *"hhhh", *"ii"]
    # 1 is parsing; the statement, polars, the build, the first hour, thrice the same again, three
    # hours with nothing new and three with more rows
    assert [row.seconds for row in rows[:9]] == [2, 3, None, 4, 5, 7, 10, 3, 13]
    assert [row.times for row in rows[:9]] == [1, 1.5, None, 2, None, 1, 1, None, 1]
    assert [row.times for row in rows[9:18]] == [
        *(1, 17 / 16, None, 18 / 16),
        *(None, 3, 2.4, None, 27 / 13),
    ]
    assert rows[-7].seconds == 50
    assert [row.times for row in rows[-6:-2]] == [1, 33 / 32, 1, 35 / 34]
    # 36 to 41 parse, build and score first; then an hour of each in turn, 42 to 47
    assert [row.seconds for row in rows[-2:]] == [44, 45]
    assert [row.times for row in rows[-2:]] == [1, 45 / 44]
    assert bench.slowest_nodes["6 thousand"] == {"carts": 3.0, "events": 2.0, "(landing)": 1.0}
    assert len(list((Home(tmp_path / "home_6000").landing / "canonical").iterdir())) == 3


def test_parts_alone_are_measured_of_each_checkout_over_the_same_files_in_turn(
    dumps, tmp_path, monkeypatch
):
    before = Checkout(tmp_path / "before", tmp_path / "python")
    steps, seconds = [], itertools.count(1)

    def cost_of(command, home=None, folder=None):
        step = "run" if "run" in command else command[3]
        steps.append((step, home and home.name, folder and folder.name))
        out = json.dumps({"landing": 1.0, "nodes": {}}) if step == "build" else "7"
        return Cost(next(seconds), 100.0, 0.5, out=out)

    (tmp_path / "dumps").symlink_to(dumps)
    monkeypatch.setattr(measurements, "measured", cost_of)
    monkeypatch.setattr(measurements, "shutil", Mock())
    bench = measurements.Bench(
        tmp_path, [6_000], repeats=2, only=["build", "hour"], checkouts=[before, HERE]
    )
    rows = list(bench.rows())
    old, new = ("home_6000", "before"), ("home_6000_1", HERE.root.name)
    assert steps == [
        *(("parse", *old), ("parse", *new)),
        ("duckdb", None, None),
        *(("build", *old), ("build", *new)),
        *(("run", *old), ("run", *new)) * 3,
    ]
    assert [row.part for row in rows] == ["a", "a", "a", "", "", "c", "c"]
    # the statement is third; then the builds, the first hours, and the hours in turn: 8 to 11
    assert [row.seconds for row in rows] == [3, 4, 5, 6, 7, 9, 10]
    assert [row.times for row in rows] == [1, 4 / 3, 5 / 3, None, None, 1, 10 / 9]
    assert [row.cpu_seconds for row in rows] == [0.5] * 7
    assert [row.what.endswith(", before") for row in rows] == [0, 1, 0, 1, 0, 1, 0]
    landed = [Home(tmp_path / home).landing / "canonical" / "4.parquet" for home, _ in (old, new)]
    assert landed[0].read_bytes() == landed[1].read_bytes()


def test_another_checkout_runs_its_own_code_and_needs_its_environment(tmp_path):
    with pytest.raises(FileNotFoundError, match="run make setup there first"):
        Checkout.at(tmp_path)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "own.py").write_text("print('of the other')")
    other = Checkout.at(tmp_path)
    assert other.comeback("run") == [str(tmp_path / ".venv" / "bin" / "comeback"), "run"]
    assert measured(other.module("own"), folder=other.root).out == "of the other\n"
    assert Checkout.at(HERE.root) is HERE


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--only build --keep", "--keep keeps the whole table"),
        ("--checkouts {folder}", "run make setup there first"),
        ("--only sensor", "invalid choice: 'sensor'"),
    ],
)
def test_options_that_do_not_go_together_are_named(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["bench", *words.format(folder=tmp_path).split()])
    with pytest.raises(SystemExit, match="2"):
        bench_main.main()
    assert message in capsys.readouterr().err


def test_hours_after_the_log_follow_one_another():
    assert shops.hour_after(1) - shops.hour_after(0) == timedelta(hours=1)
