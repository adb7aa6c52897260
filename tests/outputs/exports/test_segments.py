"""Segments of people in exports: members on lists of the ads, and their names in e-mails."""

import pytest

from orchestration.drafts import new_segment
from orchestration.ground.errors import ComebackError
from orchestration.ground.own_files import faults_in
from orchestration.ground.settings import Settings, parse_settings
from orchestration.outputs.exports.identifiers import sha256
from orchestration.warehouse.contact_tables import HOLDOUT_ARMS
from orchestration.warehouse.segment_tables import SEGMENT_HISTORY
from tests.outputs.exports.shops import HOUR, TEN, Shop, column, rows


@pytest.fixture(autouse=True)
def _tables(shop):
    for table in (SEGMENT_HISTORY, HOLDOUT_ARMS):
        shop.connection.execute(table.ddl(f"scores.{table.name}"))


def stay(shop: Shop, user: str, segment: str, since: int = -5, until: int | None = None) -> None:
    shop.insert(
        "scores.segment_history",
        person_id=f"user:{user}",
        segment=segment,
        version=1,
        entered_at=TEN + since * HOUR,
        left_at=None if until is None else TEN + until * HOUR,
    )


def exports(**entries: dict) -> Settings:
    return parse_settings({"exports": entries})


META = {"profile": "meta_custom_audience"}


def test_a_list_of_the_ads_takes_members_of_a_segment_whether_they_have_a_cart_or_not(shop):
    for user in ("ann", "bob", "cyd", "dan", "eve", "fay"):
        shop.profile(user, phone="+4915123456781")
    shop.cart("ann", 1, segment="unlikely_to_purchase")
    shop.cart("fay", 2, segment="unlikely_to_purchase")
    stay(shop, "ann", "vip")
    stay(shop, "bob", "vip", since=0)
    stay(shop, "cyd", "vip", since=1)
    stay(shop, "dan", "vip", until=0)
    stay(shop, "eve", "vip", until=1)
    stay(shop, "fay", "new_visitors")
    shop.insert("main.orders", owner_id="bob", ordered_at=TEN - HOUR)
    prepared = shop.export(settings=exports(meta=META | {"segments": ["vip"]}))
    assert prepared.exports["meta"]["persons"] == 3
    counts = prepared.exports["meta"]["counts"]
    assert (counts["eligible"], counts["nothing_to_gain"]) == (3, 1)
    # those with a cart first
    assert [row["value"] for row in rows(prepared, "meta.full")] == ["10", "", ""]


def test_who_is_held_out_is_on_no_list_without_a_cart_either(shop):
    for user in ("ann", "bob"):
        shop.profile(user)
        stay(shop, user, "vip")
    for at, arm in ((-3, "treatment"), (-2, "holdout"), (1, "treatment")):
        shop.insert(
            "scores.holdout_arms", person_id="user:ann", arm=arm, assigned_at=TEN + at * HOUR
        )
    prepared = shop.export(settings=exports(meta=META | {"segments": ["vip"]}))
    assert prepared.exports["meta"]["counts"]["holdout"] == 1
    assert prepared.exports["meta"]["persons"] == 1


def draw(shop: Shop, person: str, arm: str, at: int) -> None:
    shop.insert("scores.holdout_arms", person_id=person, arm=arm, assigned_at=TEN + at * HOUR)


def listed(shop: Shop, *users: str) -> set[str]:
    """Who of members of a segment is on a list of the ads."""
    for user in users:
        shop.profile(user)
        stay(shop, user, "new_visitors")
    prepared = shop.export(settings=exports(meta=META | {"segments": ["new_visitors"]}))
    emails = {sha256(f"{user}@example.com"): user for user in users}
    return {emails[each] for each in column(prepared, "meta.full", "email")}


def test_who_signs_in_on_a_device_that_is_held_out_and_buys_is_on_no_list(shop):
    draw(shop, "cookie", "holdout", -1)
    shop.session("cookie", owner_id="ann")
    shop.insert("main.orders", visitor_id="cookie", owner_id="ann", ordered_at=TEN - 2 * HOUR)
    assert listed(shop, "ann", "bob") == {"bob"}


def test_every_user_of_a_shared_device_is_held_out_with_it(shop):
    draw(shop, "cookie", "holdout", -5)
    for at, user in ((-4, "ann"), (-3, "bob"), (-2, None)):
        shop.session("cookie", at=TEN + at * HOUR, owner_id=user)
    # a cart of bob's other device was scored before, and stands on the list
    draw(shop, "user:bob", "treatment", -4)
    shop.cart("bob", at=TEN - 4 * HOUR)
    shop.session("cookie-bob", owner_id="bob")
    assert listed(shop, "ann", "bob", "cyd") == {"cyd"}


def test_who_is_on_a_list_by_a_cart_is_held_out_with_a_device_that_signs_in_afterwards(shop):
    draw(shop, "cookie", "holdout", -6)
    draw(shop, "user:ann", "treatment", -4)
    for user in ("ann", "bob"):
        shop.cart(user, at=TEN - 4 * HOUR)
        shop.profile(user)
    shop.session("cookie", owner_id="ann")
    prepared = shop.export(settings=exports(meta=META))
    assert column(prepared, "meta.full", "email") == [sha256("bob@example.com")]
    assert prepared.exports["meta"]["counts"]["holdout"] == 1


def test_of_two_devices_the_arm_drawn_first_counts(shop):
    for user, arms in (("ann", ("treatment", "holdout")), ("bob", ("holdout", "treatment"))):
        for at, arm in enumerate(arms, start=-5):
            draw(shop, f"{user} {at}", arm, at)
            shop.session(f"{user} {at}", owner_id=user)
    assert listed(shop, "ann", "bob") == {"ann"}


def test_a_login_or_an_arm_of_a_later_hour_holds_nobody_out(shop):
    draw(shop, "cookie", "holdout", -1)
    # the session goes on after the hour: only at its end it is known who was signed in
    shop.session("cookie", at=TEN - HOUR / 4, owner_id="ann")
    draw(shop, "phone", "holdout", 1)
    shop.session("phone", owner_id="bob")
    assert listed(shop, "ann", "bob") == {"ann", "bob"}


def test_a_member_of_whom_no_device_is_known_has_only_an_arm_of_their_own(shop):
    draw(shop, "cookie", "holdout", -1)
    shop.session("cookie")
    draw(shop, "user:bob", "holdout", 0)
    assert listed(shop, "ann", "bob") == {"ann"}


def fire(shop: Shop, user: str, at: float, trigger: str = "checkout_left") -> None:
    shop.connection.execute(
        "create table if not exists main.trigger_events"
        " (trigger varchar, person_id varchar, fired_at timestamp)"
    )
    shop.insert(
        "main.trigger_events", trigger=trigger, person_id=f"user:{user}", fired_at=TEN + at * HOUR
    )


def test_a_list_of_the_ads_takes_whom_a_trigger_fired_for_through_the_same_gates(shop):
    """Within the window up to the hour, and not who ordered since or is held out."""
    for user in ("ann", "bob", "cyd", "dan", "eve", "fay", "gus"):
        shop.profile(user, ad_user_data_consent=user != "dan")
    for user, at in {"ann": 0, "cyd": -2, "dan": 0, "eve": -1, "fay": 1, "gus": -48}.items():
        fire(shop, user, at)
    fire(shop, "bob", 0, "back_after_a_month")
    draw(shop, "user:eve", "holdout", -9)
    shop.insert("main.orders", owner_id="cyd", ordered_at=TEN - 2 * HOUR)
    # a cart that was bought before the trigger fired
    shop.cart("ann", at=TEN - 4 * HOUR)
    shop.insert("main.orders", owner_id="ann", ordered_at=TEN - 3 * HOUR)
    takes = META | {"segments": [], "triggers": ["checkout_left"], "window_days": 2}
    prepared = shop.export(settings=exports(meta=takes))
    assert column(prepared, "meta.full", "email") == [sha256("ann@example.com")]
    counts = {gate: n for gate, n in prepared.exports["meta"]["counts"].items() if n}
    assert counts == {"eligible": 1, "bought_since": 1, "no_consent": 1, "holdout": 1}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (META | {"triggers": ["checkout"]}, r"no trigger 'checkout', \[exports.x\] triggers, use"),
        ({"profile": "email", "triggers": ["checkout_left"]}, "profile email takes no triggers"),
    ],
)
def test_a_trigger_that_an_export_cannot_take_is_one_clear_line(shop, entry, said):
    with pytest.raises(ComebackError, match=said):
        shop.export(settings=exports(x=entry))


def test_an_export_does_without_a_trigger_whose_file_is_wrong(shop):
    (shop.home.root / "triggers").mkdir()
    (shop.home.root / "triggers" / "mine.yml").write_text("")
    shop.profile("ann")
    fire(shop, "ann", 0)
    takes = META | {"triggers": ["mine", "checkout_left"]}
    assert shop.export(settings=exports(meta=takes)).exports["meta"]["persons"] == 1


def test_an_email_names_the_segments_that_the_export_takes(shop):
    for rank, user in enumerate(("ann", "bob"), start=1):
        shop.person(user, rank)
    for segment in ("vip", "new_visitors", "at_risk"):
        stay(shop, "ann", segment)
    stay(shop, "cyd", "vip")
    takes = {"profile": "email", "segments": ["vip", "new_visitors"]}
    prepared = shop.export(settings=exports(email=takes))
    assert column(prepared, "email.full", "segments") == ["new_visitors, vip", ""]
    # the list of the file before had no such column: every row is another one
    before = shop.export(settings=exports(email={"profile": "email"}))
    assert "segments" not in rows(before, "email.full")[0]


def test_the_yml_of_a_segment_names_exports_that_take_it(shop):
    yml, _ = new_segment(shop.home, "big_spenders")
    yml.write_text(yml.read_text().replace("# export: [email]", "export: [email]"))
    shop.person("ann")
    stay(shop, "ann", "big_spenders")
    assert column(shop.export(), "email.full", "segments") == ["big_spenders"]


def test_a_segment_that_is_not_there_is_one_clear_line(shop):
    wrong = exports(meta=META | {"segments": ["vips"]})
    with pytest.raises(ComebackError, match=r"no segment 'vips', \[exports.meta\].* vip"):
        shop.export(settings=wrong)


def test_a_yml_that_names_an_export_that_is_not_there_is_one_clear_line_and_stops_none(shop):
    yml, _ = new_segment(shop.home, "big_spenders")
    yml.write_text(yml.read_text().replace("# export: [email]", "export: [emial, email]"))
    shop.person("ann")
    stay(shop, "ann", "big_spenders")
    assert column(shop.export(), "email.full", "segments") == ["big_spenders"]
    (fault,) = faults_in(shop.home, Settings().exports)
    assert str(fault).startswith(f"meta.export: there is no export 'emial', {yml}, use one of: ")


def test_an_export_does_without_a_segment_whose_file_is_wrong_and_goes_on(shop):
    _, sql = new_segment(shop.home, "big_spenders")
    sql.write_text("selec person_id")
    for user in ("ann", "bob"):
        shop.profile(user)
    stay(shop, "ann", "vip")
    stay(shop, "bob", "big_spenders", until=0)
    takes = exports(meta=META | {"segments": ["vip", "big_spenders"]})
    assert shop.export(settings=takes).exports["meta"]["persons"] == 1
