"""Whom files contacted and would have contacted, and what dumps say of it afterwards."""

from datetime import datetime, timedelta
from decimal import Decimal
from unittest.mock import patch

from orchestration.ground.settings import Settings, parse_settings
from orchestration.outputs.exports import contact_log, membership, pending
from orchestration.outputs.exports.hourly import prepare_exports
from orchestration.warehouse.contact_tables import CONTACT_LOG, CONTACT_PLANS
from tests.modelling.contact_logs import MONDAY, Log
from tests.outputs.exports.shops import HOUR, TEN, Shop

DAY = 24 * HOUR
MAIL = {"profile": "email"}


def mail(**contacts: int) -> Settings:
    return parse_settings({"exports": {"mail": MAIL}, "contacts": contacts})


def logged(shop: Shop, table: str = "contact_log", *columns: str) -> list[tuple]:
    names = columns or ("person_id", "exported_at" if table == "contact_log" else "withheld_at")
    return shop.connection.execute(
        f"select {', '.join(names)} from scores.{table} order by all"
    ).fetchall()


def dumps(shop: Shop, *rows: tuple[str, datetime, str, str]) -> None:
    shop.connection.execute(
        "create table if not exists vault.contact_rows (user_id varchar, email_key varchar,"
        " visitor_id varchar, contacted_at timestamp, channel varchar, campaign varchar,"
        " status varchar)"
    )
    for user, at, campaign, status in rows:
        shop.insert(
            "vault.contact_rows",
            user_id=user,
            contacted_at=at,
            channel="email",
            campaign=campaign,
            status=status,
        )


def test_whoever_is_put_on_an_email_list_is_logged_with_the_plan(shop):
    shop.person("ann", 1, email_consent=True)
    shop.person("bob", 2, email_consent=None)
    shop.connection.execute("update scores.cart_scores set p_abandon = 0.75")
    shop.connection.execute(CONTACT_PLANS.ddl("scores.contact_plans"))
    for hours in (3, 2):
        shop.insert(
            "scores.contact_plans",
            planned_at=TEN - hours * HOUR,
            cart_id="cart-ann",
            session_ended_at=TEN - hours * HOUR - DAY,
        )
    shop.export(TEN)
    names = [name for name in CONTACT_LOG.column_names if name not in ("contact_id", "sent_at")]
    assert logged(shop, "contact_log", *names) == [
        (
            "user:ann",
            "email",
            "email",
            TEN,
            TEN - HOUR,
            "cart-ann",
            "on_the_fence",
            "reminder",
            0.75,
            Decimal("9.9990"),
            "planned",
            None,
            TEN - 2 * HOUR - DAY,
            "reminder",
        )
    ]
    assert logged(shop, "withheld_contacts") == []


def test_the_hour_done_again_logs_nobody_twice_and_keeps_whom_its_first_files_had(shop):
    for rank, user in enumerate(("ann", "bob"), start=1):
        shop.person(user, rank)
    for _ in range(2):
        shop.export(TEN, mail())
        assert logged(shop) == [("user:ann", TEN), ("user:bob", TEN)]
    shop.connection.execute(
        "update vault.current_profiles set email_consent = false where user_id = 'ann'"
    )
    shop.export(TEN, mail())
    assert logged(shop) == [("user:ann", TEN), ("user:bob", TEN)]
    # while the cooldown lasts nobody is contacted again
    shop.cart("bob", 1, TEN + HOUR)
    shop.export(TEN + HOUR, mail())
    assert len(logged(shop)) == 2


def test_an_older_hour_done_again_contacts_nobody_whom_its_first_files_had_not(shop):
    shop.person("ann", 1)
    shop.person("bob", 2, email_consent=False)
    shop.cart("bob", 1, TEN + HOUR, is_holdout=True)
    for at in (TEN, TEN + HOUR):
        shop.export(at, mail())
    shop.connection.execute("update vault.current_profiles set email_consent = true")
    again = shop.export(TEN, mail())
    assert again.exports["mail"]["persons"] == 2
    assert logged(shop) == [("user:ann", TEN)]
    assert logged(shop, "withheld_contacts") == []


def test_a_killed_run_whose_files_appeared_is_logged_by_the_next_and_no_other(shop):
    shop.person("ann")
    for is_there in (False, True):
        prepared = prepare_exports(shop.connection, shop.home, TEN, mail())
        pending.announce(shop.connection, prepared.deliveries)
        sums = {each for delivery in prepared.deliveries for each in delivery.sums}
        pending.settle(shop.connection, lambda _, sums=sums, is_=is_there: sums if is_ else set())
        pending_rows = shop.connection.execute("from vault.export_pending_contacts").fetchall()
        assert pending_rows == []
        if is_there:
            assert logged(shop) == [("user:ann", TEN)]


def test_a_clock_that_was_ahead_stops_no_later_hour(shop):
    shop.person("ann")
    shop.profile("bob")
    shop.cart("bob", 1, TEN + 900 * DAY, contact_valid_until=TEN + 999 * DAY)
    shop.export(TEN + 900 * DAY, mail())
    membership.date_back(shop.connection, TEN, TEN + HOUR)
    shop.export(TEN, mail())
    contact_log.settle(shop.connection, TEN, TEN + HOUR)
    assert logged(shop, "contact_log", "exported_at", "status") == [
        (TEN, "sent"),
        (TEN + 900 * DAY, "sent"),
    ]
    contact_log.drop_old(shop.connection, TEN, TEN + HOUR, 30)
    assert len(logged(shop)) == 2


def test_who_is_held_out_and_would_be_contacted_is_withheld_once_a_plan(shop):
    for rank, user in enumerate(("ann", "bob", "cem", "dan", "eve"), start=1):
        shop.person(user, rank, email_consent=user != "cem")
    shop.connection.execute(
        "update scores.cart_scores set is_holdout = true where owner_id != 'ann';"
        f"update scores.cart_scores set contact_not_before = timestamp '{TEN + 9 * HOUR}'"
        " where owner_id = 'dan'"
    )
    shop.insert("main.orders", visitor_id="x", owner_id="eve", ordered_at=TEN)
    for _ in range(2):
        shop.export(TEN, mail())
        assert logged(shop) == [("user:ann", TEN)]
        assert logged(shop, "withheld_contacts") == [("user:bob", TEN)]
    # what is withheld has the cooldown of what is sent
    plan = {"cart_id": "other", "contact_not_before": TEN, "is_holdout": True}
    shop.cart("bob", 1, TEN + HOUR, **plan)
    shop.export(TEN + HOUR, mail())
    assert len(logged(shop, "withheld_contacts")) == 1
    shop.cart("bob", 1, TEN + DAY, **plan)
    shop.export(TEN + DAY, mail())
    assert logged(shop, "withheld_contacts")[1:] == [("user:bob", TEN + DAY)]
    # and the same plan is not withheld again after it
    shop.cart("bob", 1, TEN + 3 * DAY, **plan)
    shop.export(TEN + 3 * DAY, mail())
    assert len(logged(shop, "withheld_contacts")) == 2


def test_the_capacity_of_an_hour_holds_for_both_arms(shop):
    for rank, user in enumerate(("ann", "bob", "cem", "dan"), start=1):
        shop.person(user, rank)
    shop.connection.execute(
        "update scores.cart_scores set is_holdout = true where owner_id in ('bob', 'dan')"
    )
    settings = parse_settings({"exports": {"mail": MAIL | {"hourly_capacity": 2}}})
    shop.export(TEN, settings)
    # ann and cem are contacted; one is before bob, and two are before dan
    assert logged(shop) == [("user:ann", TEN), ("user:cem", TEN)]
    assert logged(shop, "withheld_contacts") == [("user:bob", TEN)]


def test_lists_of_the_ads_are_no_contacts(shop):
    shop.person("ann")
    shop.export(TEN, parse_settings({"exports": {"ads": {"profile": "google_customer_match"}}}))
    assert logged(shop) == []


def test_without_dumps_an_export_counts_as_sent_and_with_them_when_they_say_so(shop):
    for rank, user in enumerate(("ann", "bob"), start=1):
        shop.person(user, rank)
    shop.export(TEN, mail())

    def status() -> list[tuple]:
        contact_log.settle(shop.connection, TEN + 3 * DAY)
        return logged(shop, "contact_log", "person_id", "status", "sent_at", "reported_status")

    assert status() == [("user:ann", "sent", TEN, None), ("user:bob", "sent", TEN, None)]
    sent = TEN + 2 * HOUR
    dumps(
        shop,
        ("ann", sent, "carts", "sent"),
        ("ann", sent + 2 * DAY, "carts", "clicked"),
        ("ann", sent + 2 * DAY, "newsletter", "unsubscribed"),
        ("bob", TEN + 25 * HOUR, "newsletter", "sent"),
    )
    for _ in range(2):
        assert status() == [
            ("user:ann", "sent", sent, "clicked"),
            ("user:bob", "planned", None, None),
        ]
    # nobody could have reported what was exported a day before the first message
    shop.connection.execute(
        "update vault.contact_rows set contacted_at = contacted_at + to_days(2)"
    )
    assert status() == [("user:ann", "sent", TEN, None), ("user:bob", "sent", TEN, None)]


def test_an_open_of_a_message_of_before_does_not_say_that_the_planned_one_was_sent(shop):
    shop.person("ann")
    shop.export(TEN, mail())
    dumps(
        shop,
        ("ann", TEN - 2 * DAY, "newsletter", "sent"),
        ("ann", TEN + HOUR, "newsletter", "opened"),
    )
    names = ("status", "sent_at", "reported_status")
    contact_log.settle(shop.connection, TEN + DAY)
    assert logged(shop, "contact_log", *names) == [("planned", None, None)]
    dumps(shop, ("ann", TEN + 2 * HOUR, "carts", "delivered"))
    contact_log.settle(shop.connection, TEN + DAY)
    assert logged(shop, "contact_log", *names) == [("sent", TEN + 2 * HOUR, "delivered")]


def test_contacts_are_kept_as_long_as_scores(shop):
    shop.person("ann")
    for days in (0, 30, 60):
        shop.cart("ann", 1, TEN + days * DAY, contact_valid_until=TEN + 99 * DAY)
        shop.export(TEN + days * DAY, mail())
    latest = TEN + timedelta(days=60)
    # ann is contacted again: her first stays
    contact_log.drop_old(shop.connection, latest, latest, 30)
    assert logged(shop) == [("user:ann", TEN), ("user:ann", latest)]
    shop.cart("bob", at=latest + 30 * DAY)
    contact_log.drop_old(shop.connection, latest + 30 * DAY, latest + 30 * DAY, 30)
    assert logged(shop) == []


def test_nobody_changes_the_arm_when_old_contacts_are_dropped():
    log = Log()
    log.contact("ann", MONDAY, is_withheld=True)
    log.contact("ann", MONDAY + 60 * DAY)
    # whatever the newest row of a table is
    log.contact("bob", MONDAY + DAY, is_withheld=True)
    log.contact("cem", MONDAY + 2 * DAY)
    # the cost of a first week is that of all its contacts
    for days in (-20, -17, -5, 70):
        log.contact("dan", MONDAY + days * DAY)
    latest = MONDAY + 95 * DAY
    *_, before = log.results(MONDAY + 30 * DAY)
    counts = [before[name] for name in ("week", "contacted_persons", "held_out_persons")]
    assert counts == [MONDAY.date(), 1, 2]
    log.event(latest)
    log.insert("scores.cart_scores", scored_at=latest)
    log.insert("scores.cart_scores", scored_at=latest + 900 * DAY)  # as a clock was ahead
    contact_log.drop_old(log.connection, latest, latest + HOUR, 90)
    found = {
        user: (row["is_contacted"], row["first_at"]) for user, row in log.firsts(latest).items()
    }
    assert found == {"ann": (False, MONDAY), "dan": (True, MONDAY - 20 * DAY)}
    assert log.firsts(latest)["dan"]["contacts"] == 2
    # a week of which only those are left who were contacted again is as it was before
    results = {row["week"]: row for row in log.results(latest)}
    assert results[MONDAY.date()] == before
    assert results[max(results)]["week"] == MONDAY.date()
    kept = log.connection.sql(
        "select person_id, exported_at from scores.contact_log order by all"
    ).fetchall()
    assert kept == [
        ("user:ann", MONDAY + 60 * DAY),
        *(("user:dan", MONDAY + days * DAY) for days in (-20, -17, 70)),
    ]
    log.connection.close()


def test_a_list_that_is_held_contacts_nobody(shop):
    for rank in range(1, 5):
        shop.person(f"u{rank}", rank)
    shop.export(TEN, mail(cooldown_hours=0))
    shop.connection.execute("delete from scores.cart_scores")
    shop.person("new")
    with patch("orchestration.outputs.exports.contact_log._would_be_contacted") as withheld:
        prepared = shop.export(TEN + HOUR, mail(cooldown_hours=0))
    assert any("--accept-removals" in each for each in prepared.exports["mail"]["warnings"])
    assert not withheld.called
    assert len(logged(shop)) == 4
