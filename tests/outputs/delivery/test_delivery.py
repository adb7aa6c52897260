"""What arrives at addresses, in which order, and what is said of what does not."""

import json
import shutil
from datetime import datetime
from time import sleep
from unittest.mock import patch

import pytest

from orchestration.ground.errors import ComebackError
from orchestration.outputs.delivery import deliver, deliver_by_hand, delivered_line, undelivered
from orchestration.outputs.delivery.targets import Folder
from tests.outputs.delivery.conftest import ELEVEN, PARTS, TEN, TWELVE, Shop, require_whole, tree


def bring(shop: Shop, settings, hour: str = TEN, **options):
    at = datetime.fromisoformat(f"{hour[:-1]}:00")
    return deliver(shop.connection, shop.home, settings, at, pauses=(0, 0, 0), **options)


def test_a_folder_gets_the_files_of_its_exports_a_manifest_of_these_and_the_pointer(shop, tmp_path):
    shop.export(TEN)
    out = tmp_path / "out"
    (outcome,) = bring(shop, shop.settings(email=str(out)))
    assert (outcome.hours, outcome.reason) == ([TEN], None)
    files = tree(out)
    names = {f"{TEN}/email.{part}.csv" for part in PARTS} | {f"{TEN}/manifest.json", "latest.json"}
    assert set(files) == names
    require_whole(files, TEN)
    for part in PARTS:
        own = shop.home.exports / TEN / f"email.{part}.csv"
        assert files[f"{TEN}/email.{part}.csv"] == own.read_text()
    manifest = json.loads(files[f"{TEN}/manifest.json"])
    assert set(manifest["exports"]) == {"email"}
    assert manifest["models"] == {"abandonment": "a" * 12}
    assert (out / TEN / "email.full.csv").stat().st_mode & 0o777 == 0o600
    assert (out / TEN).stat().st_mode & 0o777 == 0o700
    counts, digest = shop.audited()[0]
    size = sum(len(files[f"{TEN}/email.{part}.csv"]) for part in PARTS)
    assert json.loads(counts) == {"bytes": size, "exports": ["email"], "files": 3, "rows": 3}
    assert len(digest) == 64
    assert [*delivered_line(shop.home)] == [f"Delivered  {TEN} to {out}"]
    assert undelivered(shop.home) == []


def test_two_exports_at_one_address_share_manifest_and_pointer(shop, tmp_path):
    shop.export(TEN)
    out = str(tmp_path / "out")
    (outcome,) = bring(shop, shop.settings(email=out, google=out))
    assert outcome.exports == ["email", "google"]
    files = tree(tmp_path / "out")
    assert len(json.loads(files["latest.json"])["files"]) == 6
    require_whole(files, TEN)


def test_files_come_before_the_manifest_and_the_pointer_last_under_their_final_names(
    shop, tmp_path
):
    shop.export(TEN)
    with patch.object(Folder, "write", autospec=True) as write:
        bring(shop, shop.settings(email=str(tmp_path / "out")))
    written = [call.args[1] for call in write.call_args_list]
    assert written == [
        *(f"{TEN}/email.{part}.csv" for part in PARTS),
        f"{TEN}/manifest.json",
        "latest.json",
    ]


def test_an_hour_that_is_there_is_not_sent_again_unless_it_is_asked_for_and_then_is_the_same(
    shop, tmp_path
):
    shop.export(TEN)
    settings = shop.settings(email=str(tmp_path / "out"))
    bring(shop, settings)
    before = tree(tmp_path / "out")
    (outcome,) = bring(shop, settings)
    assert outcome.hours == []
    assert len(shop.audited()) == 1
    (outcome,) = bring(shop, settings, again=True)
    assert outcome.hours == [TEN]
    assert tree(tmp_path / "out") == before
    # a tool that takes its files away has them, and imports nothing twice
    (tmp_path / "out" / TEN / "manifest.json").unlink()
    (outcome,) = bring(shop, settings)
    assert outcome.hours == []
    assert not (tmp_path / "out" / TEN / "manifest.json").exists()
    (outcome,) = bring(shop, settings, again=True)
    assert tree(tmp_path / "out") == before


def test_what_could_not_be_delivered_comes_first_with_the_next_hour_and_is_said_until_then(
    shop, tmp_path
):
    shop.export(TEN)
    out = tmp_path / "out"
    out.write_text("a file where a folder should be")
    other = tmp_path / "other"
    settings = shop.settings(email=str(out), google=str(other))
    failed, good = bring(shop, settings)
    assert failed.reason is not None
    assert good.hours == [TEN]
    (said,) = undelivered(shop.home)
    assert said.startswith(f"1 hour was not delivered of email, the first {TEN} (")
    assert str(out) in said
    assert "comeback deliver" in said
    out.unlink()
    shop.export(ELEVEN)
    recovered, good = bring(shop, settings, ELEVEN)
    assert (recovered.hours, good.hours) == ([TEN, ELEVEN], [ELEVEN])
    require_whole(tree(out), ELEVEN)
    assert undelivered(shop.home) == []


def test_an_hour_that_was_dropped_before_it_arrived_is_said(shop, tmp_path):
    out = tmp_path / "out"
    out.write_text("")
    settings = shop.settings(email=str(out))
    shop.export(TEN)
    bring(shop, settings)
    out.unlink()
    drop(shop, TEN)
    shop.export(ELEVEN)
    (outcome,) = bring(shop, settings, ELEVEN)
    assert (outcome.hours, outcome.lost) == ([ELEVEN], [TEN])
    # the same hour again says it, too; the next one does not
    for _ in range(2):
        assert undelivered(shop.home)[0].startswith("1 hour of email never arrived and is kept no")
        bring(shop, settings, ELEVEN)
    shop.export(TWELVE)
    (outcome,) = bring(shop, settings, TWELVE)
    assert (outcome.lost, undelivered(shop.home)) == ([], [])


def test_all_hours_that_an_address_lost_are_said_until_one_arrives(shop, tmp_path):
    out = tmp_path / "out"
    out.write_text("")
    settings = shop.settings(email=str(out))
    for hour in (TEN, ELEVEN, TWELVE):
        shop.export(hour)
        bring(shop, settings, hour)
        if hour != TWELVE:
            drop(shop, hour)
    waiting, lost = undelivered(shop.home)
    assert waiting.startswith(f"1 hour was not delivered of email, the first {TWELVE} (")
    assert lost.startswith("2 hours of email never arrived and are kept no longer")
    out.unlink()
    (outcome,) = bring(shop, settings, TWELVE)
    assert (outcome.hours, outcome.lost) == ([TWELVE], [TEN, ELEVEN])


def drop(shop: Shop, hour: str) -> None:
    """As the exports of an old hour are dropped."""
    shutil.rmtree(shop.home.exports / hour)


def test_an_hour_of_a_clock_that_was_ahead_stops_no_later_one(shop, tmp_path):
    ahead = "2031-10-31T10Z"
    settings = shop.settings(email=str(tmp_path / "out"))
    shop.export(TEN)
    bring(shop, settings)
    shop.export(ahead)
    (outcome,) = bring(shop, settings, ahead)
    assert outcome.hours == [ahead]
    shop.export(ELEVEN)
    (outcome,) = bring(shop, settings, ELEVEN, not_after=datetime(2026, 10, 31, 11))
    assert outcome.hours == [ELEVEN]
    require_whole(tree(tmp_path / "out"), ELEVEN)
    assert [*delivered_line(shop.home)] == [f"Delivered  {ELEVEN} to {tmp_path / 'out'}"]
    # nor one that did not arrive while it was
    (tmp_path / "taken").write_text("")
    settings = shop.settings(google=str(tmp_path / "taken"))
    bring(shop, settings, ahead)
    bring(shop, settings, ELEVEN, not_after=datetime(2026, 10, 31, 11))
    assert f"1 hour was not delivered of google, the first {ELEVEN}" in undelivered(shop.home)[0]


def test_history_goes_to_no_address(shop, tmp_path):
    """Hours that are replayed: the newest of the log, and what follows it, are for a tool."""
    shop.connection.execute(
        "create table main.sessions as select timestamp '2026-10-31 11:40:00' as ended_at"
    )
    settings = shop.settings(email=str(tmp_path / "out"))
    arrived = []
    for hour in (TEN, ELEVEN, TWELVE):
        shop.export(hour)
        arrived += bring(shop, settings, hour)[0].hours
    assert arrived == [ELEVEN, TWELVE]
    # an older one again with other rows, though it had arrived
    shop.export(ELEVEN, mark="-again")
    assert bring(shop, settings, ELEVEN)[0].hours == []
    # an address that is new begins with the newest hour
    settings = shop.settings(email=str(tmp_path / "new"))
    assert bring(shop, settings, ELEVEN)[0].hours == []
    assert undelivered(shop.home) == []
    assert bring(shop, settings, TWELVE)[0].hours == [TWELVE]
    # unless somebody asks for it
    shop.connection.execute("update main.sessions set ended_at = timestamp '2026-11-02 00:00:00'")
    settings = shop.settings(email=str(tmp_path / "third"))
    assert bring(shop, settings, TWELVE)[0].hours == []
    assert bring(shop, settings, TWELVE, by_hand=True)[0].hours == [TWELVE]


def test_an_older_hour_that_failed_by_hand_does_not_come_after_a_newer_one(shop, tmp_path):
    out = tmp_path / "out"
    settings = shop.settings(email=str(out))
    for hour in (TEN, ELEVEN):
        shop.export(hour)
    bring(shop, settings, ELEVEN)
    out.rename(tmp_path / "aside")
    out.write_text("")
    bring(shop, settings, TEN, again=True)
    assert f"the first {TEN}" in undelivered(shop.home)[0]
    out.unlink()
    shop.export(TWELVE)
    assert bring(shop, settings, TWELVE)[0].hours == [TWELVE]
    assert undelivered(shop.home) == []


def test_an_address_has_so_much_time_and_what_is_over_comes_with_the_next_hour(shop, tmp_path):
    settings = shop.settings(email=str(tmp_path / "slow"), google=str(tmp_path / "out"))
    shop.export(TEN)
    whole = Folder.write

    def slow(target, path, content):
        if "slow" in str(target._root):
            sleep(1.1)
        whole(target, path, content)

    with patch.object(Folder, "write", slow):
        late, good = bring(shop, settings, address_seconds=2)
    assert late.reason == "it took longer than an address may"
    assert good.hours == [TEN]
    late, good = bring(shop, settings)
    assert (late.hours, good.hours) == ([TEN], [])


def test_an_older_hour_comes_only_when_asked_for_and_does_not_move_the_pointer(shop, tmp_path):
    settings = shop.settings(email=str(tmp_path / "out"))
    for hour in (TEN, TWELVE):
        shop.export(hour)
    bring(shop, settings, TWELVE)
    (outcome,) = bring(shop, settings, TEN)
    assert outcome.hours == []
    (outcome,) = bring(shop, settings, TEN, again=True)
    assert outcome.hours == [TEN]
    require_whole(tree(tmp_path / "out"), TWELVE)
    assert f"{TEN}/manifest.json" in tree(tmp_path / "out")


@pytest.mark.parametrize("dies_at", range(8))
@pytest.mark.parametrize("is_rewritten", [False, True])
def test_a_kill_between_any_two_steps_never_shows_a_mixture(shop, tmp_path, dies_at, is_rewritten):
    """The next hour, or the same hour with other rows: whoever reads pointer, manifest and files
    finds one whole hour or none, and the next delivery puts it right."""
    out = tmp_path / "out"
    settings = shop.settings(email=str(out))
    shop.export(TEN)
    bring(shop, settings)
    hour = TEN if is_rewritten else ELEVEN
    shop.export(hour, mark="-again")
    steps = 0

    def dying(function):
        def step(*arguments):
            nonlocal steps
            steps += 1
            if steps > dies_at:
                raise KeyboardInterrupt
            return function(*arguments)

        return step

    with (
        patch.object(Folder, "write", dying(Folder.write)),
        patch.object(Folder, "remove", dying(Folder.remove)),
    ):
        try:
            bring(shop, settings, hour)
            is_done = True
        except KeyboardInterrupt:
            is_done = False
    assert is_done == (dies_at >= (7 if is_rewritten else 5))
    files = tree(out)
    latest = json.loads(files["latest.json"])
    named = latest["hour"][:13] + "Z"
    if f"{named}/manifest.json" in files:
        manifest = json.loads(files[f"{named}/manifest.json"])
        content = [files[each["path"]] for each in manifest["files"]]
        assert {"-again" in each for each in content} in ({True}, {False})
        sums = [each["sha256"] for each in latest["files"]]
        assert sums == [each["sha256"] for each in manifest["files"]] or sums == [None] * 3
    else:
        assert [each["sha256"] for each in latest["files"]] == [None] * 3
    if not is_done:
        assert "a run was ended before it was done" in undelivered(shop.home)[0]
    bring(shop, settings, hour)
    require_whole(tree(out), hour)
    assert all("-again" in tree(out)[f"{hour}/email.{part}.csv"] for part in PARTS)


def test_a_file_that_its_manifest_does_not_fit_goes_nowhere(shop, tmp_path):
    shop.export(TEN)
    (shop.home.exports / TEN / "email.add.csv").write_text("changed")
    (outcome,) = bring(shop, shop.settings(email=str(tmp_path / "out")))
    assert "a file is not what the manifest of its hour says" in outcome.reason
    assert not (tmp_path / "out").exists()


def test_exports_are_not_delivered_into_their_own_folder(shop):
    shop.export(TEN)
    (outcome,) = bring(shop, shop.settings(email=str(shop.home.exports / "out")))
    assert "the folder that they come from" in outcome.reason


def test_by_hand_the_newest_hour_is_meant_and_what_cannot_be_is_refused(shop, tmp_path):
    def by_hand(settings, hour=None):
        return deliver_by_hand(shop.connection, shop.home, settings, hour)

    with pytest.raises(ComebackError, match="no export has an address"):
        by_hand(shop.settings())
    settings = shop.settings(email=str(tmp_path / "out"))
    with pytest.raises(ComebackError, match="not among the exports that are kept"):
        by_hand(settings)
    for hour in (TEN, ELEVEN):
        shop.export(hour)
    (outcome,) = by_hand(settings)
    assert outcome.hours == [ELEVEN]
    (outcome,) = by_hand(settings, datetime(2026, 10, 31, 10))
    assert outcome.hours == [TEN]
    with pytest.raises(ComebackError, match=f"the hour {TWELVE} is not among"):
        by_hand(settings, datetime(2026, 10, 31, 12))


def test_without_an_address_nothing_is_imported_written_or_asked(shop):
    shop.export(TEN)
    assert bring(shop, shop.settings()) == []
    assert not shop.home.delivery_record.exists()
