"""What arrives at addresses, in which order, and what is said of what does not."""

import json
from datetime import datetime
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
    (tmp_path / "out" / TEN / "manifest.json").unlink()
    (outcome,) = bring(shop, settings)
    assert outcome.hours == [TEN]
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
    for path in (shop.home.exports / TEN).iterdir():
        path.unlink()
    (shop.home.exports / TEN).rmdir()
    shop.export(ELEVEN)
    (outcome,) = bring(shop, settings, ELEVEN)
    assert (outcome.hours, outcome.lost) == ([ELEVEN], [TEN])
    assert undelivered(shop.home)[0].startswith("1 hour of email never arrived and is kept no")


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
