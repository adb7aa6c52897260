"""Refusals that are later than the hour: they count where the log goes no further."""

from datetime import datetime

import pytest

from orchestration.ground.hours import END_OF_TIME
from orchestration.people.known_at import know_people_at, refused_until

from .vaults import Vault

AT = "2026-03-01T10:00:00Z"
INSTANT = datetime(2026, 3, 1, 10)
ANNA = {"user_id": "anna", "email": "anna@shop.example", "updated_at": AT}
BERT = {"user_id": "bert", "email": "bert@shop.example", "updated_at": AT}


def test_refusals_may_count_though_they_are_later_and_nothing_else_does(vault: Vault):
    later, latest = "2026-03-01T12:00:00Z", "2026-03-01T13:00:00Z"
    granted = {"email_consent": "granted", "sms_consent": "granted"}
    vault.rows(
        "profiles",
        {**ANNA, **granted},
        {**ANNA, "updated_at": later, "sms_consent": "granted", "email": "new@shop.example"},
        {**BERT, "email_consent": "granted"},
        {**BERT, "updated_at": later, **granted},
        {**BERT, "updated_at": latest, "email_consent": "granted"},
        {**ANNA, "user_id": "cora", "updated_at": later, **granted},
    )
    vault.rows(
        "suppressions",
        {"channel": "ads", "user_id": "anna", "reason": "manual", "suppressed_at": later},
    )
    assert vault.suppressed(INSTANT) == set()
    know_people_at(vault.con, INSTANT, refused_by=datetime(2026, 3, 1, 14))
    columns = "user_id, email, email_consent, sms_consent"
    assert vault.query(f"select {columns} from vault.current_profiles order by 1") == [
        ("anna", "anna@shop.example", False, True),
        ("bert", "bert@shop.example", True, False),
    ]
    suppressed = "select channel, user_id from vault.current_suppressions"
    assert vault.query(suppressed) == [("ads", "anna")]


@pytest.mark.parametrize(
    ("newest", "is_open"),
    [(None, False), ("09:00", True), ("10:59:59.999999", True), ("11:00", False)],
)
def test_refusals_count_without_end_at_the_hour_with_which_the_log_ends(vault, newest, is_open):
    if newest:
        vault.con.execute(
            f"create table ordered_events as select timestamp '2026-03-01 {newest}' as event_at"
        )
    assert refused_until(vault.con, INSTANT) == (END_OF_TIME if is_open else INSTANT)
