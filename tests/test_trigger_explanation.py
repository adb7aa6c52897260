"""`comeback explain --trigger` on a small warehouse made by hand: the log behind a firing.

Belongs here: what is shown. Not here: when a trigger fires (tests/rules/test_triggers.py).
"""

from pathlib import Path

import pytest

from orchestration import cli
from orchestration.ground.errors import ComebackError, WrongUsage
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.trigger_explanation import explain_trigger
from orchestration.warehouse import database

LOG = """
    create schema raw;
    create table raw.files as from (values (1, 'monday.csv')) as t(load_id, file);
    create table events as
    select 1 as load_id, line as row_key, line as event_number, 'e' || line as event_id,
        event_type != 'email_open' as is_activity, 'canonical' as source,
        event_type as counted_as, if(line in (12, 13), 16, 1) as context_flags, *
    from (values
        (1, 'phone', null, timestamp '2026-03-02 08:00', 1, 'view_item', 'hat'),
        (2, 'phone', null, timestamp '2026-03-02 10:01', 1, 'view_item', 'hat'),
        (3, 'phone', null, timestamp '2026-03-02 10:02', 1, 'view_item', 'bag'),
        (4, 'phone', null, timestamp '2026-03-02 10:03', 1, 'view_item', null),
        (5, 'phone', '7', timestamp '2026-03-02 10:04', 0, 'login', null),
        (6, 'phone', '7', timestamp '2026-03-02 10:05', 1, 'view_item', 'hat'),
        (7, 'phone', null, timestamp '2026-03-02 10:06', 5, 'purchase', 'hat'),
        (8, 'phone', null, timestamp '2026-03-02 10:07', 2, 'add_to_cart', 'cap'),
        (9, 'phone', null, timestamp '2026-03-02 10:20', 0, 'page_view', null),
        (10, 'phone', null, timestamp '2026-03-02 10:21', 0, 'email_open', null),
        (11, 'phone', null, timestamp '2026-03-02 11:01', 0, 'page_view', null),
        -- page views that their addresses make a view of an item and of a list
        (12, 'tablet', null, timestamp '2026-03-02 10:20', 1, 'view_item', 'hat'),
        (13, 'tablet', null, timestamp '2026-03-02 10:21', 1, 'view_item_list', null),
        (14, 'tablet', null, timestamp '2026-03-02 10:22', 0, 'page_view', null),
        (15, 'tablet', null, timestamp '2026-03-02 10:10', 2, 'add_to_cart', 'cap'),
        (16, 'tablet', null, timestamp '2026-03-02 10:23', 1, 'view_item', 'hat')
    ) as t(line, visitor_id, owner_id, event_at, event_rank, event_type, item_id);
    create table candidate_items as
    select *, null::integer as quantity
    from (values (4, 'hat'), (4, 'bag')) as t(row_key, item_id);
    create table order_items as select 'o' as order_key, 'hat' as item_id, null as cart_id;
    -- the purchase of line 7 is a repeat
    create table order_events as
    select 'o' as order_key, 'phone' as visitor_id, 99 as event_number;
    create table carts as
    select *, visitor_id || cart_id as session_id, started_at as last_touched_at
    from (values
        ('c1', 'phone', timestamp '2026-03-02 10:07', 'open', null),
        ('c2', 'tablet', timestamp '2026-03-02 10:10', 'open', null),
        -- bought at the hour; begun after it; in a session that is over in a moment
        ('c3', 'phone', timestamp '2026-03-02 10:07', 'converted', timestamp '2026-03-02 11:00'),
        ('c4', 'phone', timestamp '2026-03-02 11:01', 'open', null),
        ('c5', 'phone', timestamp '2026-03-02 10:08', 'open', null)
    ) as t(cart_id, visitor_id, started_at, status, closed_at);
    create table sessions as
    select session_id, if(cart_id = 'c5', timestamp '2026-03-02 10:30:01', started_at) as ended_at
    from carts;
    create table cart_operations as
    select 'canonical' as source, timestamp '2026-03-02 10:07' as event_at, *
    from (values ('c1', 'e8'), ('c2', 'e15'), ('c3', 'e2'), ('c4', 'e11'), ('c5', 'e9'))
        as t(cart_id, event_id);
    create table last_build as select '{"viewed_often_not_bought": 1, "idle_after_two_pages": 1,
        "back_after_a_month": 1, "checkout_left": 1, "search_without_view": 2,
        "has_dear_cart": 1}' as triggers;
    create table trigger_events as
    select *, timestamp '2026-03-02 11:00' + hours * interval '1' hour as fired_at
    from (values
        ('viewed_often_not_bought', 'phone', 'hat', null, 0),
        ('idle_after_two_pages', 'phone', null, 'c1', 0),
        ('idle_after_two_pages', 'tablet', null, 'c2', 0),
        ('has_dear_cart', 'phone', null, null, 0),
        ('back_after_a_month', 'phone', null, null, 0),
        ('back_after_a_month', 'phone', null, null, -2)
    ) as t(trigger, person_id, item_id, cart_id, hours);
"""


HAS_DEAR_CART = """
name: has_dear_cart
version: 1
description: Has a cart worth something, and another one that may be.
per: person
when: [{cart: abandoned, value_at_least: 9.5}, {cart: open}]
cooldown: 1d
channel: email
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    made = Home(tmp_path_factory.mktemp("explained"))
    made.prepare()
    (made.root / "triggers").mkdir()
    (made.root / "triggers" / "has_dear_cart.yml").write_text(HAS_DEAR_CART)
    with database.connect(made, Settings()) as connection:
        connection.execute(LOG)
    return made


def shown(home: Home, name: str, person: str = "phone") -> list[str]:
    return [
        " ".join(line.split())
        for text in explain_trigger(home, name, person)
        for line in text.split("\n")
    ]


def test_the_events_behind_each_condition_are_shown_with_file_and_line(home: Home):
    assert shown(home, "viewed_often_not_bought") == [
        "Trigger viewed_often_not_bought, version 1, per item",
        "Viewed one item 3 times or more within a day and did not buy.",
        "Person phone",
        "Fired once",
        "2026-03-02T11:00:00Z for item hat",
        "At 2026-03-02T11:00:00Z:",
        # not the bag, not what another person viewed; the list of line 4 has it
        "at least 3 of view_item within 24h: 3 events",
        "file line event_at event_type item_id",
        "monday.csv 1 2026-03-02 08:00 view_item hat",
        "monday.csv 2 2026-03-02 10:01 view_item hat",
        "monday.csv 4 2026-03-02 10:03 view_item",
        # the purchase is the repeat of an order
        "none of purchase within 24h: none",
    ]


def test_the_cart_and_the_event_since_which_it_counts_are_shown(home: Home):
    lines = shown(home, "idle_after_two_pages")
    assert lines[lines.index("At 2026-03-02T11:00:00Z:") + 1 :] == [
        "a cart is abandoned: 1 event",
        "file line event_at event_type item_id",
        "monday.csv 8 2026-03-02 10:07 add_to_cart cap",
        "at least 3 of page_view since add_to_cart, which is the first line: 1 event",
        "file line event_at event_type item_id",
        "monday.csv 8 2026-03-02 10:07 add_to_cart cap",
        "monday.csv 9 2026-03-02 10:20 page_view",
        "idle at least 30m, the last activity: 1 event",
        "file line event_at event_type item_id",
        "monday.csv 9 2026-03-02 10:20 page_view",
    ]


def test_of_a_person_the_carts_are_shown_that_were_so_at_the_hour(home: Home):
    lines = shown(home, "has_dear_cart")
    assert lines[lines.index("At 2026-03-02T11:00:00Z:") + 1 :] == [
        "a cart is abandoned, worth 9.5 or more: 1 event",
        "file line event_at event_type item_id",
        "monday.csv 8 2026-03-02 10:07 add_to_cart cap",
        "a cart is open: 2 events",
        "file line event_at event_type item_id",
        "monday.csv 8 2026-03-02 10:07 add_to_cart cap",
        "monday.csv 9 2026-03-02 10:20 page_view",
    ]


def test_pages_that_are_views_by_their_address_are_among_the_pages(home: Home):
    lines = shown(home, "idle_after_two_pages", "tablet")
    first = lines.index(
        "at least 3 of page_view since add_to_cart, which is the first line: 3 events"
    )
    assert [line.split()[1] for line in lines[first + 2 : first + 6]] == ["15", "12", "13", "14"]


def test_the_newest_of_several_hours_is_shown(home: Home):
    lines = shown(home, "back_after_a_month")
    assert lines[3:6] == [
        "Fired 2 times, the newest first",
        "2026-03-02T11:00:00Z",
        "2026-03-02T09:00:00Z",
    ]
    assert lines[7:] == ["back after 30d within 1h: none"]


def test_what_cannot_be_explained_is_one_line(home: Home, tmp_path: Path):
    with pytest.raises(WrongUsage, match="no trigger is called 'mine', --trigger, use one of: add"):
        explain_trigger(home, "mine", "phone")
    with pytest.raises(ComebackError, match="checkout_left never fired for 'phone', --person"):
        explain_trigger(home, "checkout_left", "phone")
    # one that is new, one that was changed
    for name in ("three_categories_a_day", "search_without_view"):
        with pytest.raises(ComebackError, match=f"version 1 of the trigger {name} was not looked"):
            explain_trigger(home, name, "phone")
    with pytest.raises(ComebackError, match="no trigger was looked at yet"):
        explain_trigger(Home(tmp_path), "checkout_left", "phone")


def test_without_a_person_the_newest_firing_of_all_is_explained(home: Home):
    with database.connect(home, Settings()) as connection:
        connection.execute("""
            insert into trigger_events by name
            select trigger, 'laptop' as person_id, item_id, cart_id,
                fired_at - interval '1' hour as fired_at
            from trigger_events where trigger = 'viewed_often_not_bought'
        """)
    assert explain_trigger(home, "viewed_often_not_bought") == explain_trigger(
        home, "viewed_often_not_bought", "phone"
    )
    with pytest.raises(ComebackError, match="the trigger checkout_left never fired, trigger_ev"):
        explain_trigger(home, "checkout_left")


def test_a_person_belongs_to_a_trigger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.setenv("COMEBACK_HOME", str(tmp_path))
    assert cli.main(["explain", "--cart", "c", "--person", "phone"]) == 2
    assert "give --trigger NAME --person ID" in capsys.readouterr().err
