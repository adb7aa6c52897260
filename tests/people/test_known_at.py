"""What is known of people at an instant: hand-made cases at the boundaries, and plain Python."""

import random
from datetime import datetime, timedelta

import pytest

from . import reference
from .vaults import Vault

AT = "2026-03-01T10:00:00Z"
LATER = "2026-03-01T10:00:00.000001Z"
INSTANT = datetime(2026, 3, 1, 10)
ANNA = {"user_id": "anna", "email": "anna@shop.example", "updated_at": AT}
BERT = {"user_id": "bert", "email": "bert@shop.example", "updated_at": AT}


def test_a_row_counts_from_its_time_on_and_replaces_the_one_before_it_whole(vault: Vault):
    vault.rows(
        "profiles",
        {**ANNA, "phone": "1234567", "email_consent": "granted"},
        {**ANNA, "updated_at": LATER, "first_name": "Anna", "sms_consent": "granted"},
    )
    before = vault.profiles(INSTANT)["anna"]
    assert (before["phone"], before["email_consent"], before["sms_consent"]) == (
        *("1234567", True),
        False,
    )
    after = vault.profiles(INSTANT + timedelta(microseconds=1))["anna"]
    assert (after["phone"], after["first_name"]) == (None, "Anna")
    assert (after["email_consent"], after["sms_consent"]) == (False, True)
    assert vault.profiles(INSTANT - timedelta(microseconds=1)) == {}


def test_of_two_rows_of_one_time_the_one_that_allows_less_counts(vault: Vault):
    more = {"email_consent": "granted", "sms_consent": "granted"}
    less = {"email": "new@shop.example", "email_consent": "granted"}
    vault.rows("profiles", {**ANNA, **more}, {**ANNA, **less}, {**BERT, **less}, {**BERT, **more})
    for profile in vault.profiles().values():
        assert profile["email"] == "new@shop.example"
        assert (profile["email_consent"], profile["sms_consent"]) == (True, False)


def test_what_either_of_two_rows_of_one_time_forbids_is_forbidden(vault: Vault):
    vault.rows("profiles", {**ANNA, "email_consent": "1"}, {**ANNA, "sms_consent": "1"})
    anna = vault.profiles()["anna"]
    assert (anna["email_consent"], anna["sms_consent"]) == (False, False)


ALLOWING = ["granted", "TRUE", " Yes ", "1", "Subscribed", "OPTED_IN", "opted_in"]
OTHER_WORDS = [
    "",
    "no",
    "denied",
    "0",
    "unknown",
    "granted?",
    "not granted",
    "y",
    "2",
    "null",
    "on",
]


def test_a_few_words_allow_and_anything_else_does_not(vault: Vault):
    said = [*ALLOWING, *OTHER_WORDS]
    vault.rows(
        "profiles",
        *({"user_id": f"u{at}", "updated_at": AT, "email_consent": w} for at, w in enumerate(said)),
    )
    known = vault.profiles()
    allowing = [word for at, word in enumerate(said) if known[f"u{at}"]["email_consent"]]
    assert allowing == ALLOWING


COUNTRIES = {
    "UK": "GB",
    "el": "GR",
    "DEU": "DE",
    "united kingdom": "GB",
    "St. Lucia": "LC",
    "U.S.A.": "US",
    "C\u00f4te d\u2019Ivoire": "CI",
    "The Netherlands": "NL",
    "Mars": None,
}


def test_a_country_is_understood_as_code_or_english_name(vault: Vault):
    vault.rows(
        "profiles",
        *({"user_id": name, "updated_at": AT, "country": name} for name in COUNTRIES),
    )
    known = vault.profiles()
    assert {name: known[name]["country"] for name in COUNTRIES} == COUNTRIES
    aside = vault.query("select line, action, reason from raw.people_set_aside")
    assert aside == [(1 + len(COUNTRIES), "repaired", "bad_country")]


def test_a_suppression_holds_from_its_time_on(vault: Vault):
    vault.rows("profiles", ANNA)
    vault.rows(
        "suppressions",
        {"channel": "email", "user_id": "anna", "reason": "manual", "suppressed_at": LATER},
    )
    assert vault.suppressed(INSTANT) == set()
    assert vault.suppressed(INSTANT + timedelta(microseconds=1)) == {("email", "anna", "manual")}


LIFTED = [
    ("unsubscribed", "2026-03-01T09:59:59.999999Z", True),
    ("unsubscribed", AT, False),
    ("unsubscribed", LATER, False),
    ("unsubscribed", "", False),
    ("complaint", "2026-01-01T00:00:00Z", False),
    ("bounced", "2026-01-01T00:00:00Z", False),
    ("manual", "2026-01-01T00:00:00Z", False),
    ("no reason that is known", "2026-01-01T00:00:00Z", False),
]


def test_a_later_consent_lifts_unsubscribed_and_nothing_else(vault: Vault):
    users = [f"u{at}" for at in range(len(LIFTED))]
    vault.rows(
        "profiles",
        *({"user_id": user, "updated_at": AT, "email_consent": "granted"} for user in users),
    )
    vault.rows(
        "suppressions",
        *(
            {"channel": "email", "user_id": user, "reason": reason, "suppressed_at": since}
            for user, (reason, since, _) in zip(users, LIFTED, strict=True)
        ),
    )
    still = {user for _, user, _ in vault.suppressed()}
    assert [user not in still for user in users] == [is_lifted for *_, is_lifted in LIFTED]


# by time of the rows, the consents that they repeat, turn or leave out; unsubscribed at AT
RUNS = [
    ([("2026-01-01", "granted"), ("2026-03-02", "granted")], False),
    ([("2026-01-01", "granted"), (AT, "denied"), ("2026-03-02", "yes")], True),
    ([("2026-01-01", "granted"), ("2026-03-02", ""), ("2026-03-03", "granted")], True),
    ([("2026-01-01", "denied"), (AT, "granted"), ("2026-03-02", "granted")], False),
    ([("2026-01-01", "denied"), (LATER, "granted"), ("2026-03-02", "granted")], True),
    ([("2026-03-02", "granted"), ("2026-03-03", "denied")], False),
    ([("2026-01-01", "1"), ("2026-03-02", "denied"), ("2026-04-01", "granted")], False),
    # of two rows of one time the one that allows less ends the run
    ([("2026-01-01", "1"), (AT, "1"), (AT, "no"), ("2026-03-02", "1")], True),
]


def test_a_row_that_only_repeats_a_consent_does_not_lift_what_came_after_it(vault: Vault):
    users = [f"u{at}" for at in range(len(RUNS))]
    rows = [
        {"user_id": user, "updated_at": time, "email_consent": word, "language": str(line)}
        for user, (run, _) in zip(users, RUNS, strict=True)
        for line, (time, word) in enumerate(run)
    ]
    vault.rows("profiles", *rows)
    since = {"channel": "email", "reason": "unsubscribed", "suppressed_at": AT}
    vault.rows("suppressions", *({**since, "user_id": user} for user in users))
    still = {user for _, user, _ in vault.suppressed()}
    assert [user not in still for user in users] == [is_lifted for _, is_lifted in RUNS]


def test_ads_are_granted_once_both_consents_are(vault: Vault):
    first, second = "ad_user_data_consent", "ad_personalization_consent"
    both = {first: "granted", second: "granted"}
    vault.rows(
        "profiles",
        {**ANNA, "updated_at": "2026-01-01", first: "granted"},
        {**ANNA, **both, "updated_at": LATER},
        {**BERT, **both, "updated_at": "2026-01-01"},
        {**BERT, **both, "updated_at": LATER},
    )
    since = {"channel": "ads", "reason": "unsubscribed", "suppressed_at": AT}
    vault.rows("suppressions", {**since, "user_id": "anna"}, {**since, "user_id": "bert"})
    assert vault.suppressed() == {("ads", "bert", "unsubscribed")}


def test_a_consent_lifts_its_own_channel_only_and_ads_need_both(vault: Vault):
    vault.rows(
        "profiles",
        {**ANNA, "email_consent": "granted", "ad_user_data_consent": "granted"},
        {**BERT, "ad_user_data_consent": "yes", "ad_personalization_consent": "yes"},
    )
    since = {"channel": "all", "reason": "unsubscribed", "suppressed_at": "2026-01-01"}
    vault.rows("suppressions", {**since, "user_id": "anna"}, {**since, "user_id": "bert"})
    assert vault.suppressed() == {
        *((channel, "anna", "unsubscribed") for channel in ("sms", "ads", "onsite")),
        *((channel, "bert", "unsubscribed") for channel in ("email", "sms", "onsite")),
    }


EMAILS = [
    ("anna@shop.example", "  ANNA@Shop.Example "),
    ("bell@shop.example", "Anna Bell <bell@shop.example>"),
    ("e\u0301milie@shop.example", "\u00e9milie@shop.example"),
    ("anna@m\u00fcller.example", "anna@xn--mller-kva.example"),
    ("anna.bell@gmail.com", "AnnaBell+offers@googlemail.com"),
    ("carl@shop.example", "\uff23\uff41\uff52\uff4c\uff20\uff53\uff48\uff4f\uff50\uff0eexample"),
    ("dora@shop.example", "dora\uff20shop.example."),
    ("emil@shop.example", "\u202aemil@shop.example\u202c"),
    ("fritz@shop.example", "fri\u00adtz@shop.example"),
    ("gina@shop.example", "'gina@shop.example"),
    ("hans@shop.example", '"hans"@shop.example;'),
]


def test_an_email_matches_however_it_was_written(vault: Vault):
    since = {"channel": "email", "reason": "bounced", "suppressed_at": AT}
    vault.rows(
        "profiles",
        BERT,
        *({"user_id": f"u{at}", "updated_at": AT, "email": e} for at, (e, _) in enumerate(EMAILS)),
    )
    vault.rows("suppressions", *({**since, "email": written} for _, written in EMAILS))
    assert vault.suppressed() == {("email", f"u{at}", "bounced") for at in range(len(EMAILS))}


def test_dots_and_what_follows_a_plus_count_at_other_hosts(vault: Vault):
    vault.rows("profiles", {**ANNA, "email": "anna.bell@shop.example"})
    row = {"channel": "email", "reason": "bounced", "suppressed_at": AT}
    vault.rows(
        "suppressions",
        {**row, "email": "annabell@shop.example"},
        {**row, "email": "anna.bell+offers@shop.example"},
    )
    assert vault.suppressed() == set()


PHONES = [
    ("0151 23456781", "Germany", "+49 (151) 234-56781"),
    ("+4915123456782", "", "0049 151 23456782"),
    ("0151 23456783", "DE", "0151/23456783"),
    ("+44 (0)7911 123456", "GB", "07911 123456"),
    ("4915123456784.0", "DE", "+49 151 23456784"),
    ("+4915123456786", "DE", "4.915123456786E+12"),
    ("0151\u20112345\u20116785", "DE", "+4915123456785"),
]


def test_a_phone_matches_however_it_was_written(vault: Vault):
    since = {"channel": "sms", "reason": "manual", "suppressed_at": AT}
    vault.rows(
        "profiles",
        {**BERT, "phone": "+491700000000", "country": ""},
        *(
            {"user_id": f"u{at}", "updated_at": AT, "phone": phone, "country": country}
            for at, (phone, country, _) in enumerate(PHONES)
        ),
    )
    vault.rows("suppressions", *({**since, "phone": written} for *_, written in PHONES))
    assert vault.suppressed() == {("sms", f"u{at}", "manual") for at in range(len(PHONES))}


def test_everybody_with_an_address_is_found_by_it_and_only_at_the_address_of_then(vault: Vault):
    vault.rows(
        "profiles",
        {**ANNA, "email": "both@shop.example"},
        {**BERT, "email": "both@shop.example"},
        {**BERT, "email": "own@shop.example", "updated_at": LATER},
    )
    row = {"channel": "email", "email": "both@shop.example", "reason": "bounced"}
    vault.rows("suppressions", {**row, "suppressed_at": "2026-01-01"})
    assert vault.suppressed(INSTANT) == {
        ("email", "anna", "bounced"),
        ("email", "bert", "bounced"),
    }
    assert vault.suppressed() == {("email", "anna", "bounced")}


def test_what_came_of_a_contact_suppresses(vault: Vault):
    vault.rows("profiles", ANNA, BERT)
    row = {"contacted_at": AT, "channel": "email", "user_id": "anna"}
    vault.rows(
        "contacts",
        *({**row, "status": status} for status in ("sent", "delivered", "opened", "clicked", "?")),
        {**row, "status": "Complained"},
        {"contacted_at": AT, "channel": "email", "email": "BERT@shop.example", "status": "bounce"},
    )
    assert vault.suppressed() == {("email", "anna", "complaint"), ("email", "bert", "bounced")}
    assert vault.query("select count(*), count(status) from vault.contact_rows") == [(7, 6)]


def test_a_word_that_is_a_reason_of_a_suppression_is_a_status_of_a_contact(vault: Vault):
    reasons = {
        "opted_out": "unsubscribed",
        "unsub": "unsubscribed",
        "SPAMREPORT": "complaint",
        "blocked": None,
        "marked as spam": "complaint",
        "hard_bounced": "bounced",
    }
    said = {"channel": "email", "contacted_at": AT, "suppressed_at": AT}
    profiles, contacts, suppressions, wanted = [], [], [], set()
    for number, (word, reason) in enumerate(reasons.items()):
        told, listed = f"told-{number}", f"listed-{number}"
        profiles += [{**ANNA, "user_id": told}, {**BERT, "user_id": listed}]
        contacts.append({**said, "user_id": told, "status": word})
        suppressions.append({**said, "user_id": listed, "reason": word})
        # of a suppression that is not understood most is forbidden
        wanted.add(("email", listed, reason or "manual"))
        if reason:
            wanted.add(("email", told, reason))
    vault.rows("profiles", *profiles)
    vault.rows("contacts", *contacts)
    vault.rows("suppressions", *suppressions)
    assert vault.suppressed() == wanted


def test_what_finds_nobody_stays_with_its_address(vault: Vault):
    vault.rows(
        "suppressions",
        {"channel": "email", "email": "No@Shop.Example", "reason": "bounced", "suppressed_at": AT},
    )
    vault.suppressed()
    rows = vault.query(
        "select channel, user_id, email, reason, suppressed_at from vault.current_suppressions"
    )
    assert rows == [("email", None, "No@Shop.Example", "bounced", INSTANT)]


@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(seed, marks=pytest.mark.heavy) for seed in range(2, 30))]
)
def test_the_sql_says_what_plain_python_says(vault: Vault, seed: int):
    draw = random.Random(seed)
    users = [f"user-{number}" for number in range(6)]
    emails = ["a@x.example", "B@x.example", "b@X.example ", "c@x.example", ""]
    times = [f"2026-03-0{day}T10:00:00Z" for day in range(1, 8)]
    said = ["granted", "YES", "no", "", "denied", "1"]
    profiles = [
        {
            "user_id": draw.choice(users),
            "email": draw.choice(emails),
            "updated_at": draw.choice(times),
            **{name: draw.choice(said) for name in reference.CONSENTS},
        }
        for _ in range(25)
    ]
    # of rows of one time that differ in their address only, which counts is nobody's to say
    one = {
        (row["user_id"], row["updated_at"], sum(reference.consents(row))): row for row in profiles
    }
    profiles = [*one.values()]
    whom = [{"user_id": user} for user in users] + [{"email": each} for each in emails if each]
    suppressions = [
        {
            "channel": draw.choice(["email", "sms", "ads", "onsite", "all"]),
            "user_id": "",
            "email": "",
            **draw.choice(whom),
            "reason": draw.choice(["unsubscribed", "complaint", "bounced", "manual"]),
            "suppressed_at": draw.choice(times),
        }
        for _ in range(6)
    ]
    contacts = [
        {
            "channel": draw.choice(["email", "sms"]),
            "user_id": "",
            "email": "",
            **draw.choice(whom),
            "status": draw.choice(["sent", "bounced", "unsubscribed", "complained"]),
            "contacted_at": draw.choice(times),
        }
        for _ in range(4)
    ]
    vault.rows("profiles", *profiles)
    vault.rows("suppressions", *suppressions)
    vault.rows("contacts", *contacts)
    for instant in (*times, "2026-03-05T00:00:00Z"):
        at = datetime.fromisoformat(instant).replace(tzinfo=None)
        expected = reference.current(profiles, instant)
        known = vault.profiles(at)
        assert {
            user: [row[name] for name in reference.CONSENTS] for user, row in known.items()
        } == {user: allowed for user, (_, allowed, _) in expected.items()}
        emails_known = {user: reference.plain(row["email"] or "") for user, row in known.items()}
        assert emails_known == {user: email for user, (email, *_) in expected.items()}
        wanted = reference.suppressed(profiles, suppressions, contacts, instant)
        assert {each for each in vault.suppressed(at) if each[1] in known} == wanted
