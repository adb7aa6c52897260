"""The report: what it says is what the file holds, and nothing in the file can act on the page."""

import logging
import re
import time
from datetime import datetime, timedelta
from html.parser import HTMLParser

import duckdb
import pytest

from orchestration.outputs import published_database
from orchestration.outputs.report.page import page
from tests.outputs.small_published_file import HOUR, insert, make_empty, make_run, make_shop

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "$\\frac{1}{0}$ \\input{x}",
    "</style></svg><!-- ]]>",
    "a\x00b\x1b[31m\u202egnp.exe",
    "x" * 10_000,
    "=HYPERLINK(1) \U0001f6cd\ufe0f \u05e9\u05dc\u05d5\u05dd",
]


class Page(HTMLParser):
    """What a reader of the page gets: text, tables, elements."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self._rows, self._cell, self._caption = [], None, None
        self.text = ""
        self.feed(content.decode())

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag == "table":
            self._rows = []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._cell = []
        elif tag == "caption":
            self._caption = []

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self._rows[-1].append(" ".join("".join(self._cell).split()))
            self._cell = None
        elif tag == "caption":
            self.name, self._caption = "".join(self._caption), None
        elif tag == "table":
            self.tables[self.name] = self._rows

    def handle_data(self, data):
        data = data.replace("\u202f", " ").replace("\xa0", " ")
        self.text += data
        for part in (self._cell, self._caption):
            if part is not None:
                part.append(data)

    def attributes(self, tag: str, name: str) -> list[str]:
        return [found[name] for each, found in self.elements if each == tag and name in found]

    def table(self, beginning: str) -> list[list[str]]:
        (found,) = (rows for name, rows in self.tables.items() if name.startswith(beginning))
        return found


@pytest.fixture(scope="module")
def shown(content) -> Page:
    return Page(content)


def query(file, text: str) -> tuple:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(text).fetchall()[0]


def test_the_same_file_gives_the_same_bytes_and_few_of_them(file, content):
    begun = time.process_time()
    assert page(file) == content
    assert time.process_time() - begun < 20  # 0.5 s alone; the bound is for a crowded machine
    assert len(content) < 300_000


def test_the_head_says_hour_freshness_due_carts_and_rows_not_used(file, shown):
    due, gain = query(
        file,
        "select count(*), sum(expected_gain) from retargeting_priorities where not is_holdout"
        " and best_action <> 'nothing' and contact_not_before <= scored_at",
    )
    assert (due, gain) == (7, 35)
    assert "Sun 1 Nov 2026, 10:00 UTC" in shown.text
    head = " ".join(shown.text.split("Glossary")[0].split())
    assert "Newest event 08:10 Sun 1 Nov, 110 min before the hour: fresh" in head
    assert "Gain of these contacts EUR 35.00" in head
    assert "Value at stake EUR 7,770" in head
    assert "Rows not used 21.0 % 63 of 300, in 2 files; 1 suspect, 0 not read" in head


def test_what_is_wrong_is_a_line_a_kind_so_that_the_numbers_stay_in_sight(file, tmp_path):
    path = tmp_path / "analytics.duckdb"
    path.write_bytes(file.read_bytes())
    with duckdb.connect(str(path)) as connection:
        for name in ("intent", "next_purchase"):
            insert(
                connection,
                "models",
                name=name,
                model_id="8e99a21a332c",
                kind="fallback",
                trained_as_of=HOUR,
                row_count=9,
                is_champion=True,
                verdict="the first model",
                note="Too few people.",
            )
        for table in ("landed_files", "set_aside_rows"):
            connection.execute(
                f"insert into {table} by name select * exclude (i)"
                f" replace (i || '.csv' as file, i as load_id) from {table},"
                " range(11, 15) as more(i) where load_id = 2"
            )
    shown = " ".join(Page(page(path)).text.split())
    line = (
        "No learned model gives the scores of intent, next purchase; why is said with the models."
    )
    assert line in shown
    assert shown.count("Too few people.") == 2  # with each of them
    wrong = shown[: shown.index("Newest event")]
    assert len(re.findall(r"\d+.csv \(canonical\): 60 of 100", wrong)) == 2
    assert "And 3 more files with rows or amounts not read." in wrong


def test_the_carts_due_are_those_of_the_table_best_first_and_nobody_is_named(content, shown):
    header, *rows = shown.table("All carts due at Sun 1 Nov, 10:00 UTC")
    assert header[:3] == ["Rank", "Cart", "Value"]
    assert [row[0] for row in rows] == ["3", "4", "6", "7", "8", "10", "11"]
    assert rows[0] == [
        "3",
        "02cccccc",
        "EUR 102.00",
        "61 %",
        "Tue 3 Nov, 12:00",
        "reminder",
        "EUR 5.00",
        "long visit",
    ]
    assert b"visitor-" not in content
    assert b"somebody@example.com" not in content
    assert "60 carts scored: 7 due now" in shown.text


@pytest.fixture(scope="module")
def with_bot(file, tmp_path_factory):
    """The same file, in which a bot is first in line with a cart of 1000 at each scored hour."""
    path = tmp_path_factory.mktemp("with_bot") / "analytics.duckdb"
    path.write_bytes(file.read_bytes())
    bot = (
        "select * replace ('bot ' || cart_id as cart_id, 'bot' as visitor_id, 0 as priority_rank,"
        " 1000 as cart_value_base, 'reminder' as best_action, false as is_holdout,"
        " scored_at as contact_not_before, true as is_suspected_bot, 0.01 as p_abandon,"
        " 0.99 as p_return_4h) from {}"
    )
    with duckdb.connect(str(path)) as connection:
        for table in ("cart_scores", "retargeting_priorities"):
            connection.execute(f"insert into {table} by name {bot.format(table)}")
        connection.execute(
            "insert into score_outcomes by name"
            " select * replace ('bot ' || cart_id as cart_id, 0.01 as p_abandon)"
            " from score_outcomes"
        )
        connection.execute(
            "insert into cart_scores by name select scored_at, cart_id, 'bot' as visitor_id,"
            " true as is_suspected_bot from score_outcomes where starts_with(cart_id, 'bot ')"
            " and (scored_at, cart_id) not in (select (scored_at, cart_id) from cart_scores)"
        )
    return path


def test_a_bot_is_counted_as_such_and_is_no_work_to_be_done(shown, with_bot):
    found = Page(page(with_bot))
    due = "All carts due at Sun 1 Nov, 10:00 UTC"
    assert found.table(due) == shown.table(due)
    assert found.table("At this hour") == shown.table("At this hour")
    for picture in ("Not bought, by week", "Not bought, by hours", "Shoppers back"):
        assert found.table(picture) == shown.table(picture)
    # with those of bots there would be carts enough for a picture of the calibration
    assert found.tables.keys() == shown.tables.keys()
    text = " ".join(found.text.split())
    assert "120 carts scored: 7 due now" in text
    assert "belong to people who are held out and never contacted, 60 to suspected bots." in text
    assert "to suspected bots" not in shown.text
    assert "Gain of these contacts EUR 35.00" in text
    assert "Value at stake EUR 7,770" in text


def test_the_funnel_stands_beside_the_week_before_and_unripe_days_are_marked(shown):
    _, *sessions = shown.table("Sessions by day")
    assert len(sessions) == 14
    assert sessions[-1] == ["Sun 1 Nov", "120", "113", "can still change"]
    assert sessions[-2] == ["Sat 31 Oct", "119", "112", ""]
    _, *recovered = shown.table("Left behind, bought after all by day")
    assert [row[3] for row in recovered] == [""] * 5 + ["can still change"] * 9
    rows = {row[0]: row[1:] for row in shown.table("Seven days to Sat 31 Oct")}
    assert rows["Sessions"] == [f"{sum(range(113, 120))}", f"{sum(range(106, 113))}", "+6.4 %"]
    assert rows["Order value"] == ["EUR 3,500", "EUR 3,500", "+0.0 %"]


def test_money_of_two_currencies_is_never_added(file, shown):
    rows = {row[0]: row[1:] for row in shown.table("Value by currency")}
    for currency in ("EUR", "GBP"):
        value, count = query(
            file,
            "select sum(cart_value), count(*) from carts"
            f" where status = 'open' and currency = '{currency}'",
        )
        assert rows[currency][1] == f"{currency} {value:,.0f}{count} carts"
    assert set(rows) == {"Currency", "EUR", "GBP"}


def test_items_and_categories_are_counted_by_carts(shown):
    assert [row[:2] for row in shown.table("Items left behind most")[1:]] == [
        ["Linen shirtshirts", "30"],
        ["i1shirts", "30"],
    ]
    assert shown.table("Categories left behind most")[1][:3] == ["shirts", "60", "33 %"]


def test_scores_stand_against_what_happened_once_a_cart(file, shown):
    carts, not_bought, predicted = query(
        file,
        "select count(*), avg((not is_converted)::int), avg(p_abandon) from"
        " (select distinct cart_id, is_converted, p_abandon from score_outcomes)",
    )
    assert (carts, round(not_bought, 3)) == (51, 0.667)
    by_age = shown.table("Not bought, by hours since the last touch")
    assert [row[:2] for row in by_age[1:]] == [["1\u20134", "51"], ["8\u201324", "51"]]
    # the interval by Wilson of 34 in 51, by hand
    assert by_age[1][2:] == [f"{predicted:.1%}".replace("%", " %"), "66.7 %", "53.0 % to 78.0 %"]


def test_the_return_curve_follows_sessions_after_the_first_score(shown):
    rows = shown.table("Shoppers back")[1:]
    assert [row[:2] for row in rows] == [
        ["4", "2.0 %"],
        ["8", "4.0 %"],
        ["24", "12.0 %"],
        ["72", "36.0 %"],
        ["168", "84.0 %"],
    ]
    assert rows[0][2] == "0.0 %"
    # scored 2 hours after they left, they came back at 30: a third of those seen so long
    assert 0.25 < float(rows[3][2].split()[0]) / 100 < 0.42


def test_files_that_lost_rows_stand_with_their_reason(shown):
    rows = shown.table("Files that lost rows")[1:]
    assert rows == [
        ["2.csvcanonical", "100", "6060.0 %", "0", "suspect, most dropped for bad time"],
        ["1.csvcanonical", "100", "33.0 %", "0", "most dropped for bad time"],
    ]
    assert "2.csv (canonical): 60 of 100 rows (60%) were dropped, most for bad_time" in shown.text


def test_the_page_asks_for_nothing_runs_nothing_and_says_every_picture(shown):
    tags = {tag for tag, _ in shown.elements}
    assert tags.isdisjoint({"script", "iframe", "object", "embed", "form", "base"})
    addresses = [
        value
        for _, attributes in shown.elements
        for name, value in attributes.items()
        if name in ("src", "href", "xlink:href", "action", "data", "srcset")
    ]
    assert {address[0] for address in addresses} == {"#", "d"}
    assert [each for each in addresses if each[0] == "d"] == ["data:,"]
    ids = [found["id"] for _, found in shown.elements if "id" in found]
    assert len(ids) == len(set(ids))
    assert {each[1:] for each in addresses if each[0] == "#"} <= set(ids)
    pictures = [found for tag, found in shown.elements if tag == "svg"]
    assert len(pictures) == 11
    assert all(found["role"] == "img" and found["aria-labelledby"] in ids for found in pictures)


def test_colours_are_the_page_s_so_that_dark_mode_reaches_the_pictures(content):
    style, drawings = content.decode().split("</style>")
    assert "prefers-color-scheme: dark" in style
    assert set(re.findall(r"#[0-9a-f]{6}", drawings)) <= {"#000000"}
    names = set(re.findall(r"var\((--[a-z]+)\)", drawings))
    assert names <= set(re.findall(r"(--[a-z]+):", style))
    assert "DejaVu" not in drawings


def test_hostile_names_are_inert(tmp_path):
    path = tmp_path / "analytics.duckdb"
    make_shop(path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("delete from items")
        for number, name in enumerate(HOSTILE):
            insert(connection, "items", item_id=f"i{number}", item_name=name, item_category=name)
            insert(connection, "cart_lines", cart_id=f"00{'c' * 30}", item_id=f"i{number}")
            insert(
                connection,
                "landed_files",
                file=name,
                source=name,
                rows_read=9,
                rows_dropped=9,
                skipped_reason=name,
                load_id=9 + number,
            )
        connection.execute("update carts set currency = $1 where currency = 'GBP'", [HOSTILE[0]])
        connection.execute("update retargeting_priorities set reasons = $1", [HOSTILE[1]])
        connection.execute("update runs set reporting_currency = $1", [HOSTILE[3]])
    content = page(path)
    shown = Page(content)
    tags = {tag for tag, _ in shown.elements}
    assert tags.isdisjoint({"script", "img"})
    assert not [name for _, found in shown.elements for name in found if name.startswith("on")]
    assert HOSTILE[0] in shown.text
    assert "{{ 7 * 7 }}" in shown.text
    assert content.count(b"</style>") == 1
    assert not re.search(rb"[\x00-\x08\x0b-\x1f]", content)
    assert "\u202e" not in shown.text
    assert "x" * 100 not in shown.text


@pytest.mark.parametrize("has_run", [True, False])
def test_an_empty_shop_has_a_page_without_sections(tmp_path, has_run):
    with make_empty(tmp_path / "analytics.duckdb") as connection:
        if has_run:
            make_run(connection, reporting_currency=None)
    shown = Page(page(tmp_path / "analytics.duckdb"))
    assert [each for each in shown.attributes("section", "id") if each != "glossary"] == []
    if has_run:
        assert "Carts due now" in shown.text
        assert "the log is empty" in shown.text
    else:
        assert "No hour was scored yet." in shown.text


def test_an_hour_that_was_scored_while_the_clock_was_ahead_is_not_the_newest(file, tmp_path):
    path = tmp_path / "analytics.duckdb"
    path.write_bytes(file.read_bytes())
    with duckdb.connect(str(path)) as connection:
        make_run(connection, run_id="r2", as_of=HOUR + timedelta(days=900))
    assert "Sun 1 Nov 2026, 10:00 UTC" in Page(page(path, not_after=HOUR)).text
    assert " 2029, 10:00 UTC" in Page(page(path)).text


def test_the_report_is_replaced_with_its_file_and_never_left_old(file, tmp_path, caplog):
    report = tmp_path / "report.html"
    published_database._replace_report(file, report, datetime(2027, 1, 1), None)
    assert report.read_bytes() == page(file)
    with caplog.at_level(logging.WARNING):
        none = tmp_path / "none"
        published_database._replace_report(none, report, datetime(2027, 1, 1), None)
    assert not report.exists()
    assert "The report could not be made, the tables are published without it" in caplog.text
