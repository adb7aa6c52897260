"""Somebody erased who comes back as somebody else, with the address of before."""

from datetime import datetime

import duckdb

from orchestration.ground.home import Home
from orchestration.landing import ensure_raw_tables
from orchestration.landing.addresses import email_key, phone_key
from orchestration.landing.tombstones import add_tombstones

from .test_people import SOURCES, land, put, rows

ERASED = {
    "user": "anna",
    "email": email_key("anna@shop.example"),
    "phone": phone_key("0151 23456789", ""),
}


def test_who_comes_back_under_another_id_with_the_address_can_say_no_again(tmp_path):
    home = Home(tmp_path)
    home.prepare()
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        ensure_raw_tables(connection, SOURCES)
        home.erasure_key.parent.mkdir(parents=True, exist_ok=True)
        home.erasure_key.write_bytes(b"a key")
        for kind, text in ERASED.items():
            add_tombstones(connection, b"a key", kind, [text], datetime(2026, 3, 1))
        header = "channel,email,phone,reason,suppressed_at"
        no = {
            "suppressions/new.csv": f"{header}\nemail,anna@shop.example,,unsubscribed,2026-03-03\n"
            "sms,,0151 23456789,manual,2026-03-03\n",
            "contacts/new.csv": "contacted_at,email,status\n2026-03-03,Anna@shop.example,bounced\n",
        }
        count = "select count(*) from vault.suppressions where suppressed_at like '2026-03-03%'"
        put(home, no)
        land(connection, home)
        assert rows(connection, count) == [(0,)]
        back = "user_id,email,phone,updated_at\nanna-2,ANNA@shop.example,0151 23456789,2026-03-02\n"
        put(home, {"profiles/back.csv": back})
        land(connection, home)
        put(home, {name.replace("new", "newer"): f"{text}\n" for name, text in no.items()})
        land(connection, home)
        assert rows(connection, count) == [(2,)]
        assert rows(connection, "select status from vault.contacts where status = 'bounced'") == [
            ("bounced",)
        ]
        # another spelling is the same address, once it is known of profiles whose they are
        other = f'{header}\nemail,"Anna <anna@SHOP.example>",,complaint,2026-03-04\n'
        put(home, {"suppressions/other.csv": f"{other}email,ann@shop.example,,manual,2026-03-04\n"})
        land(connection, home)
        said = "select reason from vault.suppressions where suppressed_at = '2026-03-04' order by 1"
        assert rows(connection, said) == [("complaint",), ("manual",)]
