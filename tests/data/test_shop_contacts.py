"""What the simulated shop knows of its users: who they are, what they allow, what was sent."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from data.simulated_shop import PEOPLE_SOURCES, simulate, write_shop

START = datetime(2026, 9, 27, tzinfo=UTC)


def test_everybody_with_an_account_has_a_profile_and_consents_change_with_time() -> None:
    shop = simulate(visitors=1500, days=10, seed=5, start=START)
    profiles, users = shop.known.profiles, shop.people["user_id"].drop_nulls()
    assert set(profiles["user_id"]) == set(users)
    newest = profiles.sort("updated_at").group_by("user_id", maintain_order=True).last()
    consenting = newest["email_consent"].eq("granted").mean()
    assert 0.6 < consenting < 0.72
    assert profiles["updated_at"].max() < "2026-10-07T00:00:00Z"
    owners = newest.group_by("email").len()
    assert owners.filter(pl.col("len") > 1).height > 10
    assert profiles.height > 1.08 * len(users)


def test_a_tier_says_who_likes_to_buy() -> None:
    shop = simulate(visitors=1500, days=10, seed=5, start=START)
    first = shop.known.profiles.group_by("user_id", maintain_order=True).first()
    never = (
        first.join(shop.people, on="user_id")
        .group_by("attr_tier")
        .agg(pl.col("return_never").mean(), count=pl.len())
    )
    found = {tier: mean for tier, mean, _ in never.iter_rows()}
    assert found["bronze"] > 0.47 > 0.42 > found["silver"] > 0.36 > 0.34 > found["gold"]
    assert never["count"].min() > 200


def test_the_tool_knows_addresses_in_its_own_spelling_and_sends_to_whom_it_may() -> None:
    shop = simulate(visitors=1500, days=10, seed=5, start=START)
    known = set(shop.known.profiles["email"])
    suppressed = shop.known.suppressions["email"]
    assert not known.intersection(suppressed)
    assert {email.lower() for email in known} >= {email.lower() for email in suppressed}
    contacts = shop.known.contacts
    assert set(contacts["status"]) == {"sent", "delivered", "opened", "clicked", "bounced"}
    sent = contacts.filter(pl.col("status") == "sent")
    assert 2 * sent.height == contacts.height
    first = shop.known.profiles.group_by("user_id", maintain_order=True).first()
    granted = first.filter(pl.col("email_consent") == "granted")["user_id"]
    assert set(sent["user_id"]) <= set(granted)


def test_the_files_are_the_same_bytes_for_the_same_seed(tmp_path: Path) -> None:
    for name in ("a", "b"):
        folder = tmp_path / name
        write_shop(
            folder / "out",
            folder / "truth",
            visitors=60,
            days=1,
            seed=3,
            start=START,
            people=folder / "people",
        )
    for name in PEOPLE_SOURCES:
        file = f"people/{name}/{name}.csv"
        content = (tmp_path / "a" / file).read_bytes()
        assert content == (tmp_path / "b" / file).read_bytes()
        assert content.count(b"\n") > 1
