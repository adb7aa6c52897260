"""What analysts read shows no e-mail address and no phone number.

Belongs here: texts of the log that may hold one. Not here: the vault (tests/people).
"""

import json

import pytest

from .cases import at, log, view
from .macros import macros
from .warehouse import Warehouse


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ann@shop.example", "(e-mail)"),
        ("to <Ann.B+x@shop.example>, today", "to <(e-mail)>, today"),
        ("/welcome?mail=ann%40shop.example&x=1", "/welcome?mail=(e-mail)&x=1"),
        ('{"email":"ann@shop.example","n":2}', '{"email":"(e-mail)","n":2}'),
        ("phone +49 151 2345678!", "phone (phone)!"),
        ("/call?to=%2B491512345678", "/call?to=(phone)"),
        ("/call?to=%2b49%20151%202345678", "/call?to=(phone)"),
        ("+1 (212) 555-0100", "(phone)"),
        ("Sun Nov 29 10:00:00 +0200 2026", "Sun Nov 29 10:00:00 +0200 2026"),
        ("2026-11-29T10:00:00+02:00", "2026-11-29T10:00:00+02:00"),
        ("@media", "@media"),
        ("1+1", "1+1"),
        ("", ""),
        (None, None),
    ],
)
def test_no_text_that_analysts_read_has_an_address_or_a_number(
    warehouse: Warehouse, text: str | None, shown: str | None
):
    rules = macros({}, "rules/contact_details.sql", "dialects/texts.sql")
    of_text = rules.without_contact_details("text")
    [(found,)] = warehouse.connection.execute(
        f"select {of_text} from (select cast(? as varchar) as text)", [text]
    ).fetchall()
    assert found == shown


def test_rows_set_aside_and_sessions_show_none(warehouse: Warehouse):
    page = "https://shop.example/in?mail=ann%40shop.example&to=%2B491512345678"
    good, bad = view("v", "10:00"), view("v", "11:00")
    came_by = {
        "utm_source": "ann@shop.example",
        "utm_medium": "sms to +49 151 2345678",
        "utm_campaign": "week 48, ann%40shop.example",
        "referrer": "https://ann@shop.example:pw@www.Mail.example:8080/inbox",
    }
    rows = log(
        {**good, "page_url": page, **came_by}, {**bad, "page_url": page, "event_at": "yesterday"}
    )
    warehouse.build(rows, at("12:00"), tables=["set_aside_rows", "sessions"])
    shown = "https://shop.example/in?mail=(e-mail)&to=(phone)"
    [row] = warehouse.query("select reason, raw_row from set_aside_rows")
    assert row["reason"] == "bad_time"
    assert json.loads(row["raw_row"])["page_url"] == shown
    names = ["landing_page", "utm_source", "utm_medium", "utm_campaign", "referrer_domain"]
    [session] = warehouse.query(f"select {', '.join(names)} from sessions")
    assert [*session.values()] == [
        *(shown, "(e-mail)", "sms to (phone)", "week 48, (e-mail)", "mail.example")
    ]
