"""Fifty people erased at once: no byte of them in any spelling, nothing of others changed."""

import base64
import csv
import hashlib
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import duckdb
import polars as pl
import pytest

from .conftest import run_comeback

# heavy: five minutes
pytestmark = [pytest.mark.slow, pytest.mark.heavy]

HOUR = datetime(2026, 3, 11, 12)
ERASED, KEPT = range(50), range(50, 80)
Row = dict[str, str]


def iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def user(number: int) -> str:
    return f"account/{number:03}+\u00e9tage"


def email(number: int) -> str:
    host = ("shop.example", "GMAIL.com", "googlemail.com")[number % 3]
    return (
        f"Zo\u00eb.{number:03}+news@{host}" if host == "shop.example" else f"Z.oe{number:03}@{host}"
    )


def phone(number: int) -> str:
    # no two alike for long: a database keeps what texts share, side by side without a gap
    return f"0151 {int(hashlib.sha256(bytes([number])).hexdigest(), 16) % 10**8:08}"


def events() -> list[Row]:
    rows = []
    for number in (*ERASED, *KEPT):
        at = HOUR - timedelta(hours=26, minutes=number)
        # of every five, one has a device that somebody stays behind on
        device = f"tablet-{number % 25:02}-kitchen" if number % 5 == 0 else f"phone-{number:03}-own"
        for step, kind in enumerate(("login", "view_item", "add_to_cart")):
            rows.append(
                {
                    "event_id": f"e{number:03}-{step}",
                    "visitor_id": device,
                    "user_id": user(number) if kind == "login" else "",
                    "event_at": iso(at + timedelta(seconds=step)),
                    "event_type": kind,
                    "item_id": "" if kind == "login" else f"item-{number % 7}",
                    "price": "" if kind == "login" else "80",
                    "page_url": f"https://shop.example/?mail={quote(email(number))}",
                }
            )
        # set aside: the time is none
        rows.append(rows[-1] | {"event_id": f"bad-{number:03}", "event_at": "never"})
    rows.append(
        {
            "event_id": "pulse",
            "visitor_id": "pulse",
            "event_at": iso(HOUR),
            "event_type": "page_view",
        }
    )
    return rows


def people() -> dict[str, list[Row]]:
    since = iso(HOUR - timedelta(days=9))
    everybody = (*ERASED, *KEPT)
    consents = ("email_consent", "ad_user_data_consent", "ad_personalization_consent")
    return {
        "profiles": [
            {
                "user_id": user(number),
                "email": email(number),
                "phone": phone(number),
                "first_name": f"Name-{number:03}",
                "country": "DE",
                "updated_at": since,
                **dict.fromkeys(consents, "granted"),
            }
            for number in everybody
        ],
        "suppressions": [
            {
                "channel": "sms",
                "email": email(number).upper() if number % 2 else "",
                "phone": "" if number % 2 else f"+49151{phone(number)[5:]}",
                "reason": "bounced",
                "suppressed_at": since,
            }
            for number in everybody
        ],
        "contacts": [
            {
                "contacted_at": iso(HOUR - timedelta(days=5)),
                "email": email(number).lower(),
                "channel": "email",
                "campaign": "spring",
                "status": "opened",
            }
            for number in everybody
        ],
    }


def deliver(home: Path, source: str, name: str, rows: list[Row]) -> None:
    path = home / "landing" / source / name
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = list(dict.fromkeys(column for row in rows for column in row))
    if name.endswith(".parquet"):
        pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String)).write_parquet(path)
    elif name.endswith(".jsonl"):
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def traces(number: int) -> set[str]:
    """What of a person must stand nowhere, in lower case."""
    address = email(number).lower()
    local, _, host = address.partition("@")
    plain = {user(number), email(number), address, email(number).upper(), f"Name-{number:03}"}
    digits = f"49151{phone(number)[5:]}"
    plain |= {phone(number), f"+{digits}", digits, f"00{digits}", phone(number).replace(" ", "")}
    hashed = {address, f"+{digits}", digits, f"{local.partition('+')[0].replace('.', '')}@{host}"}
    found = set()
    for text in plain:
        found |= {text, json.dumps(text)[1:-1], quote(text, safe=""), quote(text)}
        found |= {text.replace("@", "\\u0040"), base64.b64encode(text.encode()).decode()}
    for text in hashed:
        found |= {hashlib.sha256(text.encode()).hexdigest(), hashlib.md5(text.encode()).hexdigest()}
    return {each.lower() for each in found}


def seen(home: Path) -> pl.Series:
    """All bytes below the home but the dumps, by file, and the texts of its databases, by table,
    in lower case."""
    parts = []
    for path in sorted(home.rglob("*")):
        if not path.is_file() or path.is_relative_to(home / "landing"):
            continue
        parts.append(path.read_bytes().decode("utf-8", errors="replace"))
        if path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as connection:
                for schema, table in connection.execute(
                    "select schema_name, table_name from duckdb_tables()"
                ).fetchall():
                    rows = connection.execute(f'from "{schema}"."{table}"').fetchall()
                    parts.append("\n".join(map(str, rows)))
    return pl.Series(parts).str.to_lowercase()


def found_in(texts: pl.Series, traces: Iterable[str]) -> set[str]:
    """Which traces stand in the texts."""
    found = texts.str.extract_many(sorted(traces), overlapping=True)
    return {*found.explode().drop_nulls()}


def without(texts: pl.Series, lines: Iterable[str]) -> pl.Series:
    """The texts without the lines; of two that begin alike the longer is taken out whole."""
    lines = sorted({*filter(None, lines)}, key=len, reverse=True)
    return texts.str.replace_many(lines, [""] * len(lines), leftmost=True)


def of_others(home: Path) -> dict[str, list[tuple]]:
    """What is published of devices that only those have who stay."""
    with duckdb.connect(str(home / "published" / "analytics.duckdb"), read_only=True) as connection:
        found = {}
        for table in ("sessions", "carts"):
            own = [f"phone-{number:03}-own" for number in KEPT]
            query = f"from {table} where list_contains(?, visitor_id) order by all"
            found[table] = connection.execute(query, [own]).fetchall()
        return found


def files_of(home: Path, hour: datetime, export: str) -> str:
    return (home / "exports" / f"{hour:%Y-%m-%dT%HZ}" / export).read_text()


def test_fifty_erased_leave_no_byte_and_do_not_come_back(tmp_path: Path):
    home = tmp_path
    (home / "comeback.toml").write_text(
        "holdout_share = 0\n[economics]\nreminder_cost = 0.01\nreminder_odds_ratio = 1.5\n"
        '[contacts]\ncountry = "DE"\n[exports.email]\nprofile = "email"\n'
        '[exports.google]\nprofile = "google_customer_match"\n'
        '[exports.meta]\nprofile = "meta_custom_audience"\n'
        '[exports.reddit]\nprofile = "hashed_audience"\npreset = "reddit"\n'
        '[exports.suppressions]\nprofile = "suppressions"\n'
    )
    deliver(home, "canonical", "a.csv", events())
    for source, rows in people().items():
        deliver(home, source, "a.csv", rows)
    run_comeback(home, "run", "--as-of", iso(HOUR))
    before, text = of_others(home), seen(home)
    users = {user(number).lower() for number in ERASED}
    assert found_in(text, users) == users
    listed = files_of(home, HOUR, "google.full.csv")
    assert listed.count("\n") > len(KEPT)

    requests = [{"user_id": user(number), "requested_at": iso(HOUR)} for number in ERASED]
    deliver(home, "erasures", "a.csv", requests)
    later = HOUR + timedelta(hours=1)
    run_comeback(home, "run", "--as-of", iso(later))
    text = seen(home)
    # whoever leaves is written out once, under what was sent
    folder = home / "exports" / f"{later:%Y-%m-%dT%HZ}"
    files = [*folder.glob("*.remove.csv")]
    assert len(files) == 5
    removed = {line for file in files for line in file.read_text().lower().split("\n")[1:]}
    nothing_of = {trace for number in ERASED for trace in traces(number)}
    assert found_in(without(text, removed), nothing_of) == set()
    assert of_others(home) == before

    # the same again in other forms, and the hour after, whose files name nobody either
    again = [
        {
            key: value.replace("Z", "+00:00") if key.endswith("_at") else value
            for key, value in row.items()
        }
        for row in events()
    ]
    nameless = [{key: row[key] for key in reversed(row) if key != "event_id"} for row in again]
    deliver(home, "canonical", "b.parquet", again)
    deliver(home, "canonical", "c.jsonl", nameless)
    for source, rows in people().items():
        deliver(home, source, "b.jsonl", rows)
    run_comeback(home, "run", "--as-of", iso(HOUR + timedelta(hours=2)))
    text = seen(home)
    assert found_in(without(text, removed), nothing_of) == set()
