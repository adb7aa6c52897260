"""Hours at the ends of a shop's life: the first minute, the first day, a silence, a wrong clock.

Belongs here: whole hours over the cases of `shared/cases` that are about hours, and others of their
kind. Not here: what each part decides (beside the part's tests).
"""

import datetime as dt
import json
import shutil
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from unittest import mock

import duckdb
import pytest

from orchestration.ground.home import Home
from orchestration.ground.hours import last_full_hour, utc_now
from orchestration.status import Status, status
from tests.whole.conftest import run_comeback
from tests.whole.twins import begin_hour, exit_code_of, run_to_the_end, words_of

pytestmark = [pytest.mark.slow, pytest.mark.heavy]

HEADER = "event_id,visitor_id,event_at,event_type,item_id,quantity,price,currency,order_id\n"
# older events than a log may have are meant in these cases
OLD_LOGS = "stop_after_hours = 100000\nstale_after_hours = 100000\n"


def opened(home: Path, *files: Path, settings: str = OLD_LOGS) -> Path:
    """A home with files delivered, and settings."""
    deliver(home, *files)
    (home / "comeback.toml").write_text(settings)
    return home


def deliver(home: Path, *files: Path) -> None:
    folder = home / "landing" / "canonical"
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copyfile(file, folder / file.name)


def written(path: Path, *rows: str) -> Path:
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return path


def failing_line(home: Path, hour: datetime) -> str:
    """The line that an hour which fails ends with."""
    assert exit_code_of(begin_hour(home, hour)) == 1
    return words_of(home).splitlines()[-1]


def published(home: Path, query: str) -> list[tuple]:
    path = home / "published" / "analytics.duckdb"
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def state(home: Path) -> Status:
    return status(Home(home))


def test_the_first_day_is_published_with_a_note_that_the_model_is_one_rate(
    shared_cases: Path, tmp_path: Path
):
    home = opened(tmp_path, shared_cases / "f17_first_day" / "events.csv")
    run_to_the_end(home, datetime(2026, 11, 25, 21))
    rows = published(home, "select count(*), count(distinct p_abandon) from cart_scores")
    assert rows == [(100, 1)]
    assert published(home, "select kind from models where name = 'abandonment'") == [("fallback",)]
    assert "Warning    p_abandon is the same for every cart" in words_of(home)
    found = state(home)
    assert (list(found.wrong), len(found.warnings)) == ([], 1)
    # through an outage: the same carts, hours later, and still one rate
    run_to_the_end(home, datetime(2026, 11, 26, 3))
    assert published(home, "select count(*) from retargeting_priorities") == [(100,)]


@pytest.mark.parametrize(
    "rows",
    [
        ["1,ann,2026-11-25T08:00:00Z,page_view,,,,,"],
        ["1,ann,2026-11-25T08:00:00Z,purchase,,,10.00,EUR,o1"],
    ],
    ids=["one view", "one order without a cart"],
)
def test_the_first_minute_is_published_without_a_cart(tmp_path: Path, rows: list[str]):
    home = opened(tmp_path / "home", written(tmp_path / "a.csv", *rows))
    run_to_the_end(home, datetime(2026, 11, 25, 9))
    assert published(home, "select count(*) from retargeting_priorities") == [(0,)]
    assert list(state(home).wrong) == []


def test_an_hour_stops_at_a_file_of_which_all_was_dropped_until_it_is_accepted(
    shared_cases: Path, tmp_path: Path
):
    case = shared_cases / "f16_hour_all_dropped"
    nine, ten = datetime(2026, 11, 26, 9), datetime(2026, 11, 26, 10)
    home = opened(tmp_path, case / "h1.csv")
    run_to_the_end(home, nine)
    before = published(home, "select max(scored_at) from cart_scores")
    deliver(home, case / "h2.csv")
    line = failing_line(home, ten)
    for part in ("h2.csv", "2 of 2 rows", "bad_time", "26.11.2026 09:00:00", "comeback accept"):
        assert part in line
    assert published(home, "select max(scored_at) from cart_scores") == before
    assert [path.name for path in (home / "exports").glob("2026*")] == ["2026-11-26T09Z"]
    assert any("h2.csv" in each for each in state(home).wrong)
    assert run_comeback(home, "status", "--check", expect=1).stdout.count("Wrong") == 2
    assert "h2.csv" in run_comeback(home, "accept", "h2.csv").stdout
    run_to_the_end(home, ten)
    assert list(state(home).wrong) == []
    assert published(home, "select file, is_suspect from landed_files order by load_id") == [
        ("h1.csv", False),
        ("h2.csv", True),
    ]
    query = "select job, status, reason is null from runs order by started_at"
    assert published(home, query) == [
        ("hourly", "done", True),
        ("hourly", "failed", False),
        ("accept", "done", True),
        ("hourly", "done", True),
    ]


def test_a_corrected_file_lets_the_hour_go_on(tmp_path: Path):
    good = written(tmp_path / "good.csv", "1,ann,2026-11-26T08:00:00Z,add_to_cart,s,1,5.00,EUR,")
    home = opened(tmp_path / "home", good)
    bad = written(tmp_path / "h2.csv", "2,bob,2026-11-26T08:10:00Z,Warenkorb,s,1,5.00,EUR,")
    deliver(home, bad)
    hour = datetime(2026, 11, 26, 9)
    assert "the commonest are Warenkorb (1)" in failing_line(home, hour)
    assert not (home / "published" / "analytics.duckdb").exists()
    deliver(home, written(bad, "2,bob,2026-11-26T08:10:00Z,add_to_cart,s,1,5.00,EUR,"))
    run_to_the_end(home, hour)
    assert published(home, "select count(*) from carts") == [(2,)]
    assert list(state(home).wrong) == []


def test_a_log_that_ended_days_ago_stops_the_hour_and_one_of_last_night_warns(tmp_path: Path):
    rows = [
        "1,ann,2026-11-20T08:00:00Z,add_to_cart,s,1,5.00,EUR,",
        "2,bob,2026-11-20T10:00:00Z,page_view,,,,,",
    ]
    home = opened(tmp_path / "home", written(tmp_path / "a.csv", *rows), settings="")
    line = failing_line(home, datetime(2026, 11, 25, 12))
    assert line.startswith("comeback: the newest event is of 2026-11-20T10:00:00Z, 122 h before")
    assert "comeback run --as-of latest" in line
    assert not (home / "published" / "analytics.duckdb").exists()
    assert list((home / "exports").iterdir()) == []
    run_to_the_end(home, datetime(2026, 11, 20, 20))
    assert published(home, "select is_stale from cart_scores") == [(True,)]
    assert published(home, "select is_stale from retargeting_priorities") == [(True,)]
    manifest = json.loads((home / "exports" / "2026-11-20T20Z" / "manifest.json").read_text())
    assert manifest["is_stale"] is True
    assert "Warning    the hour is stale" in words_of(home)
    run_to_the_end(home, datetime(2026, 11, 20, 9))
    found = published(home, "select hour(scored_at), is_stale from cart_scores order by 1")
    assert found == [(9, False), (20, True)]
    # what is of an hour is of the newest, whichever was run last, as the priorities are
    assert published(home, "from (select person_id from people) order by 1") == [("ann",), ("bob",)]
    assert published(home, "select distinct scored_at from retargeting_priorities") == [
        (datetime(2026, 11, 20, 20),)
    ]


class _Ahead(datetime):
    """A clock that is 100 days ahead."""

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> datetime:
        """The wrong time."""
        return datetime.now(tz) + timedelta(days=100)


def _now_ahead() -> datetime:
    return _Ahead.now(dt.UTC)


def have_the_clock_ahead() -> None:
    """Set this process's clock ahead, for Dagster too, to whom hours to come are none."""
    mock.patch("orchestration.ground.hours.datetime", _Ahead).start()
    now = "dagster._time._mockable_get_current_{}".format
    mock.patch(now("datetime"), side_effect=_now_ahead).start()
    mock.patch(now("timestamp"), side_effect=lambda: _now_ahead().timestamp()).start()


def test_an_hour_scored_while_the_clock_was_ahead_is_never_the_newest(
    shared_cases: Path, tmp_path: Path
):
    case = shared_cases / "clock_ahead"
    settings = OLD_LOGS + "exports_keep_hours = 2\nscoring_window_days = 400\n"
    settings += "cart_expiry_days = 400\n"
    home = opened(tmp_path, case / "a.csv", settings=settings)
    ahead = last_full_hour(utc_now()) + timedelta(days=99)
    begin = partial(begin_hour, home)
    assert exit_code_of(begin(ahead, hinder=have_the_clock_ahead)) == 0
    deliver(home, case / "b.csv")
    in_50_days = f"{utc_now() + timedelta(days=50):%Y-%m-%dT%H:%M:%SZ}"
    rows = ["c1,V4,2026-11-28T11:00:00Z,page_view,,,,,", f"c2,V5,{in_50_days},page_view,,,,,"]
    deliver(home, written(tmp_path / "c.csv", *rows))
    hours = [datetime(2026, 11, 28, hour) for hour in (11, 12, 13)]
    for hour in hours:
        run_to_the_end(home, hour)
        latest = json.loads((home / "exports" / "latest.json").read_text())
        assert latest["hour"] == f"{hour:%Y-%m-%dT%H}:00:00Z"
        query = "select distinct scored_at from retargeting_priorities"
        assert published(home, query) == [(hour,)]
    kept = sorted(path.name for path in (home / "exports").iterdir())
    assert kept == ["2026-11-28T12Z", "2026-11-28T13Z", f"{ahead:%Y-%m-%dT%HZ}", "latest.json"]
    (line,) = state(home).wrong
    assert f"the hour {ahead:%Y-%m-%dT%H}:00:00Z was scored while the clock was ahead" in line
    assert published(home, "select count(*) from models where is_champion") == [(7,)]
    # that file landed by the right clock, and so did, as far as is known now, the one before it
    query = "select reason from set_aside_rows where file = 'c.csv'"
    assert published(home, query) == [("implausible_time",)]
    ((landed, begun),) = published(
        home, "select max(landed_at), (select max(started_at) from runs) from landed_files"
    )
    assert landed <= utc_now()
    assert begun <= utc_now()


def test_a_folder_of_a_source_that_is_not_there_is_wrong(tmp_path: Path):
    home = opened(tmp_path, settings=f"[sources]\nrees46 = '{tmp_path}/nowhere'\n")
    (line,) = state(home).wrong
    assert line.startswith(f"the folder of the source rees46 is not there, {tmp_path}/nowhere, ")
    assert state(home).is_wrong
    (tmp_path / "nowhere").mkdir()
    assert not state(home).is_wrong


def test_who_said_no_since_the_log_ended_is_known_in_the_files_that_go_out_now(tmp_path):
    home = opened(
        tmp_path / "home", written(tmp_path / "a.csv", "1,v,2026-11-20T09:40:00Z,login,,,,,")
    )
    for source, text in (
        (
            "profiles",
            "user_id,email,email_consent,updated_at\n"
            "ann,ann@shop.example,granted,2026-11-19T00:00:00Z\n"
            "bob,bob@shop.example,granted,2026-11-19T00:00:00Z\n"
            "bob,bob@shop.example,denied,2026-11-20T18:00:00Z\n",
        ),
        (
            "suppressions",
            "channel,user_id,reason,suppressed_at\nemail,ann,unsubscribed,2026-11-20T17:00:00Z\n",
        ),
    ):
        (home / "landing" / source).mkdir()
        (home / "landing" / source / "a.csv").write_text(text)
    run_comeback(home, "run", "--as-of", "latest")
    file = home / "exports" / "2026-11-20T10Z" / "suppressions.full.csv"
    refused = [
        "email,reason,since",
        "ann@shop.example,unsubscribed,2026-11-20T17:00:00Z",
        "bob@shop.example,unsubscribed,2026-11-20T18:00:00Z",
    ]
    assert file.read_text().splitlines() == refused
    # once the log has gone on, the hour says again what was known then
    deliver(home, written(tmp_path / "b.csv", "2,v,2026-11-20T11:00:00Z,login,,,,,"))
    run_comeback(home, "run", "--as-of", "2026-11-20T10:00Z")
    assert file.read_text().splitlines() == refused[:1]
