"""All files of an hour, on disk."""

import hashlib
import json
from unittest.mock import patch

import pytest

from orchestration.ground.home import Home
from orchestration.ground.seal import sealed
from orchestration.ground.settings import Settings
from orchestration.outputs.export_files import faults_of_export, read_latest, read_rows, rewrite_all
from orchestration.outputs.exports import forgetting
from orchestration.outputs.hour_files import prepare, write_exports
from orchestration.people.known_at import refused_until
from tests.outputs.exports.shops import HOUR, TEN, Shop, content

PARTS = ("add", "full", "remove")
NAMES = [f"{name}.{part}.csv" for name in ("email", "google", "meta") for part in PARTS]
NAMES += ["manifest.json", "retargeting_priorities.csv"]
NAMES += [f"suppressions.{part}.csv" for part in PARTS]


@pytest.fixture
def shop(tmp_path):
    home = Home(tmp_path)
    home.exports.mkdir()
    return Shop(home)


def write(shop: Shop, hour=TEN):
    models = {"abandonment": "a" * 12, "return": "b" * 12}
    return write_exports(shop.connection, shop.home, hour, Settings(), models=models)


def tree(shop: Shop) -> dict[str, bytes]:
    files = [path for path in shop.home.exports.rglob("*") if path.is_file()]
    return {path.relative_to(shop.home.exports).as_posix(): path.read_bytes() for path in files}


def test_manifest_and_pointer_name_every_file_with_its_sum_and_no_person(shop):
    shop.person("ann", 1)
    shop.person("bob", 2, email_consent=None)
    write(shop)
    folder = shop.home.exports / "2026-10-31T10Z"
    assert sorted(path.name for path in folder.iterdir()) == sorted(NAMES)
    manifest = json.loads((folder / "manifest.json").read_text())
    latest = json.loads((shop.home.exports / "latest.json").read_text())
    assert manifest["hour"] == latest["hour"] == "2026-10-31T10:00:00Z"
    assert [(each["path"], each["sha256"]) for each in manifest["files"]] == [
        (each["path"], each["sha256"]) for each in latest["files"]
    ]
    for each in manifest["files"]:
        content = (shop.home.exports / each["path"]).read_bytes()
        assert each["sha256"] == hashlib.sha256(content).hexdigest()
        assert each["bytes"] == len(content)
        assert each["rows"] == content.count(b"\n") - 1
        assert ",".join(each["columns"]) == content.decode().splitlines()[0]
    email = manifest["exports"]["email"]
    assert (email["profile"], email["preset"], email["persons"]) == ("email", "generic", 1)
    assert sum(email["counts"].values()) == 2
    assert (email["counts"]["eligible"], email["counts"]["no_consent"]) == (1, 1)
    assert "ann" not in (folder / "manifest.json").read_text()
    assert faults_of_export(shop.home.exports, TEN, read_rows(shop.connection, TEN)) == []


def test_files_with_people_in_them_are_the_owners_alone(shop):
    shop.person("ann")
    write(shop)
    folder = shop.home.exports / "2026-10-31T10Z"
    assert (folder / "email.full.csv").stat().st_mode & 0o777 == 0o600
    assert (folder / "google.remove.csv").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_file_that_was_changed_is_a_fault(shop):
    shop.person("ann")
    write(shop)
    path = shop.home.exports / "2026-10-31T10Z" / "meta.full.csv"
    path.write_bytes(path.read_bytes() + b"x")
    assert faults_of_export(shop.home.exports, TEN, read_rows(shop.connection, TEN)) == [
        "the manifest gives another sha256 than meta.full.csv has"
    ]


def test_the_hour_again_is_the_same_bytes_and_one_that_died_before_it_was_noted_too(shop):
    shop.person("ann")
    with (
        patch("orchestration.outputs.exports.membership.remember", side_effect=OSError("killed")),
        pytest.raises(OSError, match="killed"),
    ):
        write(shop)
    died = tree(shop)
    assert read_latest(shop.home.exports)["hour"] == "2026-10-31T10:00:00Z"
    for _ in range(2):
        write(shop)
        assert tree(shop) == died


@pytest.mark.parametrize("is_delivered", [True, False])
def test_what_a_killed_run_delivered_is_known_to_the_next_hour_and_nothing_else(shop, is_delivered):
    shop.person("ann")
    killed_at = (
        "orchestration.outputs.exports.membership.remember"
        if is_delivered
        else "orchestration.outputs.export_files.write_export"
    )
    with patch(killed_at, side_effect=OSError("killed")), pytest.raises(OSError, match="killed"):
        write(shop)
    count = "select count(*) from vault.export_pending_rows where person_id = 'user:ann'"
    assert shop.connection.execute(count).fetchall() == [(3,)]
    shop.cart("ann", 1, TEN + HOUR)
    counts = write(shop, TEN + HOUR).exports["email"]["counts"]
    files = tree(shop)
    assert counts["in_cooldown" if is_delivered else "eligible"] == 1
    removed = files["2026-10-31T11Z/email.remove.csv"]
    assert (b"ann@example.com,none,0" in removed) == is_delivered
    assert (b"ann@example.com" in files["2026-10-31T11Z/email.add.csv"]) != is_delivered
    assert shop.connection.execute(count).fetchall() == [(0,)]


def test_a_lost_warehouse_removes_nobody_and_says_so(shop):
    shop.person("ann")
    write(shop)
    shop.connection.execute("drop table vault.export_lists; drop table vault.export_members")
    shop.connection.execute("delete from scores.cart_scores")
    exports = write(shop, TEN + HOUR).exports
    assert "nobody was removed" in exports["email"]["warnings"][0]
    assert "nobody was removed" in exports["google"]["warnings"][0]
    assert not any("removed" in each for each in exports["suppressions"]["warnings"])


def test_an_hour_before_anybody_was_known_stays_empty_when_it_is_rewritten(shop):
    for table in ("current_profiles", "current_suppressions"):
        shop.connection.execute(f"alter table vault.{table} rename to later_{table}")
    shop.cart("ann")
    write(shop)
    for table in ("current_profiles", "current_suppressions"):
        shop.connection.execute(f"alter table vault.later_{table} rename to {table}")
    shop.profile("ann")
    assert {file.rows for file in prepare(shop.connection, shop.home, TEN, Settings()).files} == {0}
    exports = write(shop, TEN + HOUR).exports
    assert "not known any more" not in str(exports)


def test_whoever_had_refused_is_in_a_rewritten_hour_though_the_log_goes_on_since(shop):
    for hours, consent in ((-9, True), (1, False)):
        said = {"email": "ann@example.com", "email_key": "ann", "email_consent": consent}
        at = TEN + hours * HOUR
        shop.insert("vault.profile_versions", user_id="ann", updated_at=at, **said)
    shop.connection.execute("create table main.ordered_events as select ? as event_at", [TEN])
    write(shop)
    stops = tree(shop)["2026-10-31T10Z/suppressions.full.csv"]
    assert b"ann@example.com" in stops
    shop.insert("main.ordered_events", event_at=TEN + 2 * HOUR)
    for newest, is_said in ((TEN, True), (None, False)):
        refused_by = refused_until(shop.connection, TEN, newest)
        prepared = prepare(shop.connection, shop.home, TEN, Settings(), refused_by)
        assert (content(prepared, "suppressions.full") == stops) == is_said


def test_hours_rewritten_after_an_erasure_lack_the_erased_and_keep_the_others(shop):
    shop.person("ann", 1)
    shop.person("bob", 2)
    write(shop)
    assert b"ann@example.com" in tree(shop)["2026-10-31T10Z/email.full.csv"]
    shop.connection.execute(
        "delete from scores.cart_scores where owner_id = 'ann';"
        "delete from vault.current_profiles where user_id = 'ann'"
    )
    shop.home.erasure_key.parent.mkdir(parents=True, exist_ok=True)
    shop.home.erasure_key.write_bytes(b"a key")
    forgetting.forget(shop.connection, ["ann"], b"a key")
    remembered = shop.connection.execute(
        "select person_id, identifier, row from vault.export_members order by identifier"
    ).fetchall()
    assert "user:ann" not in {person for person, _, _ in remembered}
    assert ("erased", sealed(b"a key", "ann@example.com"), "") in remembered
    assert not any("ann@" in identifier for _, identifier, _ in remembered)
    # whoever is known since is in no file of then: nobody would know of the contact
    shop.person("eve", 3)
    rewrite_all(
        shop.home.exports,
        shop.connection,
        keep_hours=72,
        scores_after=TEN - HOUR,
        beside=lambda hour: prepare(shop.connection, shop.home, hour, Settings()),
    )
    files = tree(shop)
    assert not any(b"ann@example.com" in content for content in files.values())
    assert b"bob@example.com" in files["2026-10-31T10Z/email.full.csv"]
    rewritten = json.loads(files["2026-10-31T10Z/manifest.json"])["exports"]
    assert {name: each["persons"] for name, each in rewritten.items()} == {
        "email": 1,
        "google": 1,
        "meta": 1,
        "suppressions": 0,
    }
    # and the next hour takes her off the lists, under what was sent
    exports = write(shop, TEN + HOUR).exports
    assert exports["email"]["persons"] == 0
    assert b"ann@example.com,none,0" in tree(shop)["2026-10-31T11Z/email.remove.csv"]
    # the hour after that knows nothing of her any more
    write(shop, TEN + 2 * HOUR)
    remembered = shop.connection.execute("select identifier from vault.export_members").fetchall()
    assert ("ann@example.com",) not in remembered
    assert ("bob@example.com",) in remembered
