"""Ids of carts in the record of runs: overwritten, and nothing else of it."""

import sqlite3
from contextlib import closing

from orchestration.ground.home import Home
from orchestration.privacy.residue_search import files_with_carts
from orchestration.privacy.run_history import forget_carts

ANNAS, BERTS = "0123456789abcdef" * 2, "fedcba9876543210" * 2


def test_carts_are_overwritten_in_databases_their_logs_and_texts_and_others_stay(tmp_path):
    home = Home(tmp_path)
    home.prepare()
    runs = home.dagster / "history" / "runs"
    runs.mkdir(parents=True)
    # one whose page is long since in the file, and one that is in the write-ahead log only
    with closing(sqlite3.connect(runs / "old.db", isolation_level=None)) as old:
        old.execute("create table event_logs (id integer, event text)")
        old.execute("insert into event_logs values (7, ?)", [f"| 1 | {ANNAS} |{'x' * 9000}{BERTS}"])
    new = sqlite3.connect(runs / "new.db", isolation_level=None)
    new.execute("pragma journal_mode = wal")
    new.execute("create table event_logs (id integer, event text)")
    new.execute("insert into event_logs values (8, ?)", [ANNAS])
    (home.dagster / "step.out").write_text(f"a{ANNAS}b {BERTS}")
    files = [path for path in home.dagster.rglob("*") if path.is_file()]
    many = {ANNAS, *(f"{number:032x}" for number in range(200))}
    for carts in ({ANNAS}, many):
        found = {path.name.removesuffix("-wal") for path in files_with_carts(files, carts)}
        assert found == {"old.db", "new.db", "step.out"}
    assert forget_carts(home, {ANNAS}) == 3
    with closing(new):
        assert new.execute("select * from event_logs").fetchall() == [(8, "*" * 32)]
    with closing(sqlite3.connect(runs / "old.db")) as old:
        ((number, event),) = old.execute("select * from event_logs").fetchall()
    assert (number, event) == (7, f"| 1 | {'*' * 32} |{'x' * 9000}{BERTS}")
    assert (home.dagster / "step.out").read_text() == f"a{'*' * 32}b {BERTS}"
    left = [path for path in home.dagster.rglob("*") if path.is_file()]
    assert [*files_with_carts(left, {ANNAS})] == []
    assert forget_carts(home, {ANNAS}) == forget_carts(home, set()) == 0
