"""Sources that `comeback source new` drafts out of dumps of shapes that nobody here knows.

The dumps are made here, and what they hold is said by plain Python; the drafts are built by dbt as
they were written, but for the edits that `EDITS` names.
"""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest

from orchestration.drafts import dumps_for, new_source
from orchestration.ground.errors import ComebackError, WrongUsage
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.landing import ensure_raw_tables, find_files
from orchestration.landing.locations import Location, known_sources, land_locations
from orchestration.landing.recognition import recognized
from orchestration.warehouse import database, dbt_build

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
# A till: JSON lines, local times, several items an event, decimal commas in texts.
TILL = [
    ("2026-03-02 10:00:00", "d1", "scan", [("tea", 2, "1,20"), ("egg", 6, "0,3")], {"card": "c7"}),
    ("2026-03-02 10:05:00", "d1", "void", [("milk", 1, None)], {"card": "c7"}),
    # a text of a thousand and more, and a number
    ("2026-07-02 10:30:00", "d2", "scan", [("tea", 1, "1.299"), ("pen", 2, 1.299)], {}),
    ("2026-07-02 10:40:00", "d2", "pay", [("tea", 1, "1.004,00")], {"receipt": "r1"}),
    ("2026-07-02 12:00:00", "d3", "tidy up", [], {}),
]  # fmt: skip
TILL_TYPES = {"scan": "add_to_cart", "void": "remove_from_cart", "pay": "purchase"}
# What the page on a source of one's own says to correct: what no dump of it says.
EDITS = {
    "till.yml": [("zone: UTC", "zone: Europe/Berlin")],
    "till.sql": [("cast(null as string) as currency", "'EUR' as currency")],
}
# A shop in German: semicolons, the day first, words and columns of its own.
LADEN_TYPES = {
    "Seite angesehen": "page_view",
    "Artikel angesehen": "view_item",
    "in den Warenkorb gelegt": "add_to_cart",
    "aus Warenkorb entfernt": "remove_from_cart",
    "Bestellung abgeschlossen": "purchase",
    "Newsletter": "Newsletter",
}
# A feed of nested objects, epochs, items two levels deep.
FEED_TYPES = {
    "basket.line.added": "add_to_cart",
    "basket.line.dropped": "remove_from_cart",
    "article.shown": "view_item",
    "page.shown": "page_view",
    "order.placed": "purchase",
    "customer.hovered": "customer.hovered",
}


def till_row(stamp: str, device: str, act: str, lines: list[tuple], more: dict) -> dict:
    items = [dict(zip(("sku", "n", "each"), line, strict=True)) for line in lines]
    return {"stamp": stamp, "who": {"device": device}, "act": act, "lines": items, **more}


def laden_rows() -> list[dict[str, str]]:
    words, prices = [*LADEN_TYPES], ["19,90", "1.299,00", "5,00"]
    rows = []
    for number in range(60):
        word = words[number % 6]
        is_about_item = number % 6 in (1, 2, 3)
        at = datetime(2026, 3, 20, 9, 0) + timedelta(hours=number * 7, seconds=number)
        rows.append({
            "Zeitpunkt": f"{at:%d.%m.%Y %H:%M:%S}",
            "Besucher": f"b{number // 4 % 7}",
            "Kundennummer": "4711" if number % 3 else "",
            "Vorgang": word,
            "Artikelnr": f"A-{number % 5}" if is_about_item else "",
            "Menge": str(1 + number % 3) if is_about_item else "",
            "Einzelpreis": prices[number % 3] if is_about_item else "",
            "Währung": "EUR" if is_about_item or number % 6 == 4 else "",
            "Bestellnummer": f"B{number}" if number % 6 == 4 else "",
            "Summe": "1.304,00" if number % 6 == 4 else "",
            "Seiten-URL": f"https://www.laden.de/s/{number}?utm_source=news",
        })  # fmt: skip
    return rows


def feed_rows() -> list[dict]:
    rows = []
    for number in range(60):
        verb = [*FEED_TYPES][number % 6]
        lines = [
            {
                "article": {"ref": f"R{(number + at) % 9}", "label": "a shoe"},
                "qty": 1 + at,
                "price": {"amount": 12.5 + at, "currency": "GBP"},
            }
            for at in range(1 + number % 3)
        ]
        payload: dict = {"lines": lines} if verb.startswith(("basket", "article", "order")) else {}
        if verb == "order.placed":
            payload["order"] = {"key": f"O{number}", "total": 99.5}
        rows.append({
            "meta": {"ts": 1772445600123 + number * 60_000, "id": f"m-{number}"},
            "actor": {"anon": f"x{number % 7}", "account": {"id": "u1" if number % 2 else None}},
            "verb": verb,
            "payload": payload,
        })  # fmt: skip
    return rows


@pytest.fixture(scope="module")
def dumps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dumps")
    for name in ("till", "laden", "feed"):
        (folder / name).mkdir()
    till, feed = [till_row(*row) for row in TILL], feed_rows()
    (folder / "till" / "a.jsonl").write_text("\n".join(map(json.dumps, till)))
    (folder / "feed" / "a.json").write_text(json.dumps(feed, indent=1))
    laden = laden_rows()
    lines = [";".join(laden[0]), *(";".join(row.values()) for row in laden)]
    (folder / "laden" / "a.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def drafted(tmp_path_factory: pytest.TempPathFactory, dumps: Path) -> Home:
    """A home with the three drafts."""
    home = Home(tmp_path_factory.mktemp("home"))
    for name in ("till", "laden", "feed"):
        new_source(home, name, [str(dumps / name)])
    for file, edits in EDITS.items():
        path = home.sources / file
        text = path.read_text(encoding="utf-8")
        for before, after in edits:
            assert text.count(before) == 1
            text = text.replace(before, after)
        path.write_text(text, encoding="utf-8")
    return home


@pytest.fixture(scope="module")
def built(drafted: Home, dumps: Path) -> duckdb.DuckDBPyConnection:
    """The warehouse of that home, after its dumps landed and were built as in a run."""
    drafted.prepare()
    settings = Settings()
    with database.connect(drafted, settings) as connection:
        sources = known_sources(drafted)
        ensure_raw_tables(connection, sources)
        database.ensure_score_tables(connection)
        places = [Location(str(dumps / name), name) for name in ("till", "laden", "feed")]
        landed = land_locations(connection, drafted, sources, places, NOW)
    assert landed["rows_read"].to_list() == [5, 60, 60]
    models = ("+events", "+set_aside_rows")
    built = dbt_build.build(drafted, settings, as_of=None, command="run", select=models)
    built.require_success()
    return duckdb.connect(str(drafted.warehouse), read_only=True)


FIELDS = (
    "visitor_id, user_id, event_at, event_type, item_id, quantity, price, currency, order_id,"
    " order_value"
)


def events(built: duckdb.DuckDBPyConnection, source: str) -> list[tuple]:
    return built.execute(
        f"select {FIELDS} from events where source = ? order by event_at, visitor_id", [source]
    ).fetchall()


def items(built: duckdb.DuckDBPyConnection, source: str) -> list[tuple]:
    return built.execute(
        "select event_at, item_number, items.item_id, items.quantity, items.price, items.currency"
        " from candidate_items as items inner join candidate_events as events using (row_key)"
        " where source = ? order by all",
        [source],
    ).fetchall()


def utc(local: str, form: str = "%Y-%m-%d %H:%M:%S") -> datetime:
    at = datetime.strptime(local, form).replace(tzinfo=BERLIN)
    return at.astimezone(UTC).replace(tzinfo=None)


def amount(text: str | float | None) -> Decimal | None:
    if isinstance(text, float):
        return Decimal(str(text))
    return Decimal(text.replace(".", "").replace(",", ".")) if text else None


@pytest.mark.heavy
def test_a_till_is_read_after_the_two_edits_that_no_dump_can_say(built):
    assert events(built, "till") == [
        (device, more.get("card"), utc(stamp), TILL_TYPES.get(act, act), None, None, None, "EUR",
         more.get("receipt"), None)
        for stamp, device, act, _, more in TILL
    ]  # fmt: skip
    assert items(built, "till") == [
        (utc(stamp), number, sku, count, amount(each), None)
        for stamp, _, _, lines, _ in TILL
        for number, (sku, count, each) in enumerate(lines, start=1)
    ]


@pytest.mark.heavy
def test_a_shop_in_german_is_read_as_it_was_drafted(built):
    assert events(built, "laden") == [
        (
            row["Besucher"],
            row["Kundennummer"] or None,
            utc(row["Zeitpunkt"], "%d.%m.%Y %H:%M:%S"),
            LADEN_TYPES[row["Vorgang"]],
            row["Artikelnr"] or None,
            int(row["Menge"]) if row["Menge"] else None,
            amount(row["Einzelpreis"]),
            row["Währung"] or None,
            row["Bestellnummer"] or None,
            amount(row["Summe"]),
        )
        for row in laden_rows()
    ]
    found = built.execute("select distinct utm_source from events where source = 'laden'")
    assert found.fetchall() == [("news",)]


@pytest.mark.heavy
def test_a_feed_of_nested_objects_is_read_as_it_was_drafted(built):
    expected, listed = [], []
    for row in feed_rows():
        at = datetime.fromtimestamp(row["meta"]["ts"] / 1000, UTC).replace(tzinfo=None)
        order = row["payload"].get("order", {})
        total = Decimal(str(order["total"])) if order else None
        expected.append(
            (row["actor"]["anon"], row["actor"]["account"]["id"], at, FEED_TYPES[row["verb"]],
             None, None, None, None, order.get("key"), total)
        )  # fmt: skip
        listed += [
            (at, number, line["article"]["ref"], line["qty"],
             Decimal(str(line["price"]["amount"])), "GBP")
            for number, line in enumerate(row["payload"].get("lines", ()), start=1)
        ]  # fmt: skip
    assert events(built, "feed") == expected
    assert items(built, "feed") == listed
    ids = built.execute("select event_id from events where source = 'feed'").fetchall()
    assert {id_ for (id_,) in ids} == {f"m-{number}" for number in range(60)}


@pytest.mark.heavy
def test_no_row_of_a_draft_is_set_aside(built):
    assert built.execute("select * from set_aside_rows").fetchall() == []


def test_its_dumps_are_known_by_the_look_that_was_drafted(drafted, dumps):
    found = {
        name: recognized(find_files(dumps / name), known_sources(drafted)).source
        for name in ("till", "laden", "feed")
    }
    assert found == {"till": "till", "laden": "laden", "feed": "feed"}


def test_ids_of_people_are_declared_where_erasing_looks_for_them(drafted):
    sources = known_sources(drafted)
    assert [
        (sources[name].ids("visitor"), sources[name].ids("user"))
        for name in ("till", "laden", "feed")
    ] == [
        ([("who", "$.device")], [("card", None)]),
        ([("besucher", None)], [("kundennummer", None)]),
        ([("actor", "$.anon")], [("actor", "$.account.id")]),
    ]


def test_every_guess_is_marked_and_no_id_is_written_down(drafted):
    text = "".join(path.read_text(encoding="utf-8") for path in drafted.sources.iterdir())
    for guess in (
        "besucher as visitor_id,  -- guess: by its name\n",
        "when 'scan' then 'add_to_cart'  -- guess: 2\n",
        "decimal: comma  # guess: by the amounts\n",
        "zone: Europe/Berlin  # guess: by the addresses of the pages; of times without an offset\n",
        "- name: card  # guess: user_id by its name\n",
        "-- 'Newsletter': 10, activity only, unless you say what it is\n",
    ):
        assert guess in text
    assert not [id_ for id_ in ("4711", "c7", "b3", "A-1", "m-1", "1.304") if id_ in text]


def test_without_names_the_dumps_are_those_of_its_landing_folder(tmp_path, dumps):
    home = Home(tmp_path)
    for _ in range(2):
        with pytest.raises(WrongUsage, match="no FILES are named, and nothing lies in this folder"):
            dumps_for(home, "feed", [])
        (home.landing / "feed").mkdir(parents=True, exist_ok=True)
    (home.landing / "feed" / "day.csv").write_text("a\n")
    assert dumps_for(home, "feed", []) == [str(home.landing / "feed")]
    assert dumps_for(home, "feed", [str(dumps / "feed")]) == [str(dumps / "feed")]


def test_nothing_is_overwritten(drafted, dumps):
    before = (drafted.sources / "till.sql").read_bytes()
    with pytest.raises(ComebackError, match="there is a source till already"):
        new_source(drafted, "till", [str(dumps / "feed")])
    (drafted.sources / "half.sql").write_text("select 1")
    with pytest.raises(ComebackError, match="there is a source half already"):
        new_source(drafted, "half", [str(dumps / "feed")])
    (drafted.sources / "half.sql").unlink()
    assert (drafted.sources / "till.sql").read_bytes() == before


@pytest.mark.parametrize("name", ["ga4", "files", "My Till", "1st", "../x", ""])
def test_what_can_be_no_name_of_a_new_source(tmp_path, dumps, name):
    with pytest.raises(WrongUsage):
        new_source(Home(tmp_path), name, [str(dumps / "till")])
    assert not [*tmp_path.iterdir()]
