"""Who said no at an e-mail address and has another one since."""

import pytest

from .test_known_at import ANNA, AT, LATER
from .vaults import Vault


@pytest.mark.parametrize(
    ("reason", "suppressed_at", "is_found"),
    [
        ("unsubscribed", AT, True),
        ("unsubscribed", "2026-02-28", False),  # it was not anna's yet
        # a message to it may be answered for some days
        ("unsubscribed", "2026-03-08T10:00:00Z", True),
        ("unsubscribed", "2026-03-08T10:00:00.000001Z", False),
        ("unsubscribed", "", True),  # since ever
        ("complaint", AT, True),
        ("bounced", AT, False),  # of the address, and not her word
        ("manual", AT, False),
    ],
)
def test_who_said_no_at_an_address_did_not_say_yes_at_the_next(
    vault: Vault, reason, suppressed_at, is_found
):
    granted = {**ANNA, "email_consent": "granted"}
    vault.rows(
        "profiles",
        {**granted, "updated_at": "2026-02-01", "email": "older@shop.example"},
        granted,
        {**granted, "updated_at": LATER, "email": "new@shop.example"},
    )
    said = {"channel": "email", "email": "ANNA@shop.example ", "reason": reason}
    vault.rows("suppressions", {**said, "suppressed_at": suppressed_at})
    assert vault.suppressed() == ({("email", "anna", reason)} if is_found else set())
    # until she allows it again
    for at, consent in (("2026-03-10", "denied"), ("2026-03-11", "granted")):
        row = {**granted, "updated_at": at, "email": "new@shop.example", "email_consent": consent}
        vault.rows("profiles", row, name=f"{at}.csv")
    is_for_good = reason == "complaint" or not suppressed_at
    assert vault.suppressed() == (
        {("email", "anna", reason)} if is_found and is_for_good else set()
    )
