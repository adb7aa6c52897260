"""What delivered rows about people mean, that their files add up, and that no text gets out."""

import json
from datetime import date

import polars as pl
import pytest

from orchestration.people import requests
from orchestration.people.vault import forget

from .vaults import Vault

AT = "2026-03-01T10:00:00Z"
SECRET = "anna.secret@shop.example"
COUNTS = """
select
    files.rows_read, people.rows_accepted, people.rows_duplicate,
    (select count(*) from raw.people_set_aside where action = 'dropped')
    + (select count(*) from raw.unreadable_rows)
from raw.files inner join raw.people_rows as people using (load_id)
"""


def test_the_rows_of_a_file_add_up_and_bad_ones_are_shown_by_line_and_reason(vault: Vault):
    row = {"user_id": "anna", "email": SECRET, "updated_at": AT}
    vault.rows(
        "profiles",
        row,
        row,
        {**row, "updated_at": "soon"},
        {**row, "updated_at": "1999-12-31T23:59:59Z"},
        {**row, "updated_at": "2026-03-31T12:05:00.000001Z"},
        {**row, "updated_at": "2026-03-31T12:05:00Z"},
        {**row, "user_id": "(not set)"},
        {**row, "user_id": "9.44E+18"},
        {**row, "time_zone": "Mars/Olympus"},
    )
    assert vault.query(COUNTS) == [(9, 3, 1, 5)]
    assert vault.query("select line, action, reason from raw.people_set_aside order by line") == [
        (4, "dropped", "bad_time"),
        (5, "dropped", "implausible_time"),
        (6, "dropped", "implausible_time"),
        (8, "dropped", "no_identity"),
        (9, "dropped", "rounded_id"),
        (10, "repaired", "bad_time_zone"),
    ]


def test_what_of_a_suppression_is_not_understood_forbids_most(vault: Vault):
    vault.rows(
        "suppressions",
        {"channel": "e-mail", "email": SECRET, "reason": "Opt-Out", "suppressed_at": AT},
        {"channel": "pigeon", "email": SECRET, "reason": "moody", "suppressed_at": "soon"},
        {"channel": "", "user_id": "9.44E+18", "suppressed_at": AT},
    )
    assert vault.query(
        "select channel, reason, suppressed_at::varchar from vault.suppression_rows"
    ) == [
        ("email", "unsubscribed", "2026-03-01 10:00:00"),
        ("all", "manual", None),
    ]
    assert vault.query("select line, action, reason from raw.people_set_aside order by all") == [
        (3, "repaired", "bad_channel"),
        (3, "repaired", "bad_reason"),
        (3, "repaired", "bad_time"),
        (4, "dropped", "rounded_id"),
    ]


def test_a_request_to_be_erased_needs_nothing_but_the_id(vault: Vault):
    vault.rows(
        "erasures",
        {"user_id": "anna", "visitor_id": "phone-1", "requested_at": "soon"},
        {"user_id": "anna", "visitor_id": "null", "requested_at": ""},
        {"user_id": "", "visitor_id": "0", "requested_at": AT},
    )
    assert requests.pending(vault.con) == [("user", "anna"), ("visitor", "phone-1")]


def test_attributes_are_kept_and_other_fields_are_not_taken_for_them(vault: Vault):
    vault.rows(
        "profiles",
        {"user_id": "anna", "updated_at": AT, "attr_tier": "gold", "Attr_Age": "30", "shoe": "38"},
    )
    ((attributes,),) = vault.query("select attributes from vault.profile_versions")
    assert json.loads(attributes) == {"attr_tier": "gold", "Attr_Age": "30"}


def test_segments_see_what_is_known_of_people_and_since_when(vault: Vault):
    later = "2026-03-02T10:00:00Z"
    vault.rows(
        "profiles",
        {"user_id": "anna", "email": SECRET, "updated_at": AT, "attr_tier": "gold", "Attr_A": "1"},
        {"user_id": "anna", "email": SECRET, "updated_at": later, "attr_tier": "silver"},
    )
    query = "select * replace (known_from::date as known_from, known_until::date as known_until)"
    found = vault.query(f"{query} from scores.person_attributes order by name, known_from")
    assert found == [
        ("user:anna", "attr_a", "1", date(2026, 3, 1), date(2026, 3, 2)),
        ("user:anna", "attr_tier", "gold", date(2026, 3, 1), date(2026, 3, 2)),
        ("user:anna", "attr_tier", "silver", date(2026, 3, 2), None),
    ]
    forget(vault.con)
    assert vault.query("select count(*) from scores.person_attributes") == [(0,)]


def test_messages_are_known_without_an_address_and_since_when_it_is_somebodys(vault: Vault):
    later = "2026-03-02T10:00:00Z"
    vault.rows("profiles", {"user_id": "anna", "email": SECRET, "updated_at": later})
    vault.rows(
        "contacts",
        {"contacted_at": AT, "email": SECRET.upper(), "status": "sent", "campaign": "spring"},
        {"contacted_at": AT, "user_id": "bert", "channel": "sms", "status": "Clicked"},
        {"contacted_at": AT, "visitor_id": "phone-1", "channel": "all", "status": "opened"},
        {"contacted_at": AT, "email": "nobody@example.com", "status": "sent"},
        {"contacted_at": AT, "user_id": "anna", "status": "read aloud"},
    )
    found = vault.query(
        "select user_id, visitor_id, channel, campaign, status, contacted_at::date,"
        " known_from::date from scores.person_messages order by status desc"
    )
    first, second = date(2026, 3, 1), date(2026, 3, 2)
    assert found == [
        ("anna", None, "email", "spring", "sent", first, second),
        (None, "phone-1", "email", "", "opened", first, first),
        ("bert", None, "sms", "", "clicked", first, first),
    ]
    forget(vault.con)
    assert vault.query("select count(*) from scores.person_messages") == [(0,)]


BAD_FILES = {
    "a.csv": f"user_id,updated_at\nanna,{AT}\n{SECRET}\n{SECRET},1,2,3\n".encode(),
    "b.csv": f"{SECRET},Anna,1\n{SECRET},Bell,2\n".encode(),
    "c.csv": f"user_id,updated_at,email\nanna,{AT},{SECRET}\xff\n".encode("latin-1"),
    "d.jsonl": f'{{"user_id": "anna", "email": "{SECRET}"\n["{SECRET}"]\n'.encode(),
    "e.json": f'[{{"{SECRET}": 1}}]'.encode(),
}


def test_no_text_of_a_bad_row_is_kept_outside_of_the_vault(vault: Vault):
    for name, content in BAD_FILES.items():
        vault.deliver("profiles", content, name)
    pl.DataFrame({SECRET: ["x"]}).write_parquet(vault.folder / "profiles" / "f.parquet")
    vault.deliver("profiles", (vault.folder / "profiles" / "f.parquet").read_bytes(), "f.parquet")
    aside = vault.query(
        "select count(*), count(raw_row) from (from raw.unreadable_rows union all"
        " from raw.repaired_rows)"
    )
    assert aside[0][0] >= 6
    assert aside[0][1] == 0
    kept = vault.query(
        "select concat_ws(' ', note, skipped_reason) from raw.files union all"
        " select detail from raw.unreadable_rows union all select detail from raw.repaired_rows"
    )
    assert [text for (text,) in kept if "anna" in text.lower() or "bell" in text.lower()] == []


def test_of_a_file_of_other_columns_is_said_which_are_needed(vault: Vault):
    landed = vault.deliver("suppressions", f"email\n{SECRET}\n")
    assert landed.note == (
        "the columns are not those that the source suppressions needs (channel, suppressed_at)"
    )


def test_a_home_without_people_has_no_tables_of_them(vault: Vault):
    assert vault.query("select count(*) from raw.people_rows") == [(0,)]
    assert vault.query(
        "select table_name from duckdb_tables() where schema_name = 'vault' order by all"
    ) == [("contacts",), ("erasures",), ("profiles",), ("suppressions",)]


@pytest.mark.parametrize("source", ["profiles", "suppressions", "erasures", "contacts"])
def test_the_kinds_of_dumps_are_recognised_by_their_columns(source, tmp_path):
    from orchestration.ground.checkout import DBT_PROJECT
    from orchestration.landing import find_files
    from orchestration.landing.locations import sources_in
    from orchestration.landing.recognition import recognized

    sources = sources_in(DBT_PROJECT)
    names = [column.name for column in sources[source].columns]
    (tmp_path / "a.csv").write_text(f"{','.join(names)}\n{','.join('x' for _ in names)}\n")
    assert recognized(find_files(tmp_path), sources).source == source
