"""Refusals in profiles that say no time, or one that cannot be."""

from datetime import datetime, timedelta

import pytest

from .vaults import NOW, Vault


@pytest.mark.parametrize("updated_at", ["", "soon", "2026-04-02T09:00:00Z"])
def test_who_says_no_in_a_profile_without_a_time_is_heard_from_its_landing_on(
    vault: Vault, updated_at: str
):
    granted = {"user_id": "ann", "email_consent": "yes", "updated_at": "2026-01-01T00:00:00Z"}
    vault.rows("profiles", granted, granted | {"user_id": "bob"}, granted | {"user_id": "cat"})
    said = {
        "ann": {"email_consent": "no", "ad_user_data_consent": "no", "sms_consent": "yes"},
        "bob": {"email_consent": "", "sms_consent": "no"},
        "cat": {"email_consent": "yes"},
    }
    rows = [{"user_id": user, "updated_at": updated_at, **row} for user, row in said.items()]
    vault.rows("profiles", *rows, name="b.csv")
    refused = {("email", "ann"), ("ads", "ann"), ("sms", "bob")}
    assert vault.suppressed() == {(*each, "unsubscribed") for each in refused}
    assert vault.suppressed(NOW - timedelta(microseconds=1)) == set()
    # the rows replace nobody's: what they allow is not allowed
    assert not vault.profiles()["ann"]["sms_consent"]
    assert vault.query("select action, count(*) from raw.people_set_aside group by all") == [
        ("dropped", 3)
    ]
    again = {"email_consent": "no", "updated_at": "2026-03-31T12:01:00Z", "user_id": "ann"}
    later = again | {"email_consent": "yes", "updated_at": "2026-03-31T12:02:00Z"}
    vault.rows("profiles", again, later, name="c.csv")
    at = datetime(2026, 3, 31, 13)
    assert vault.suppressed(at) == {("ads", "ann", "unsubscribed"), ("sms", "bob", "unsubscribed")}
