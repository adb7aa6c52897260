"""A shop of 100,000 persons, of whom many may not be contacted: nobody else is in any file."""

import time
from pathlib import Path

import pytest

from orchestration.ground.home import Home
from orchestration.outputs.exports.hourly import Prepared
from tests.outputs.exports.shops import TEN, Shop

PERSONS = 100_000


def filled(home: Home, persons: int, share: float = 0.3) -> Shop:
    """A shop in which a share of all persons is refused for each reason, independently."""
    shop = Shop(home)
    shop.connection.execute("select setseed(0.5)")
    shop.connection.execute(
        f"""
        create table main.drawn as
        select
            i,
            'u' || i as user_id,
            random() < {share} as is_suppressed,
            random() < {share} as lacks_profile,
            random() < {share} as lacks_consent,
            random() < {share} as lacks_address,
            random() < {share} as is_holdout,
            random() < {share} as has_bought,
            random() < {share} as gains_nothing,
            random() < {share} as is_early,
            random() < {share} as is_night,
            random() < {share} as is_bot,
            random() < {share} as is_cooling,
            random() < {share} as is_over_cap
        from range({persons}) as numbers (i);

        insert into scores.cart_scores by name
        select
            timestamp '{TEN}' as scored_at,
            'c' || i as cart_id,
            'v' || i as visitor_id,
            user_id as owner_id,
            100.0 as cart_value,
            'EUR' as currency,
            if(gains_nothing, 'likely_to_purchase', 'on_the_fence') as segment,
            if(gains_nothing, 'nothing', 'reminder') as best_action,
            1.25 as expected_gain,
            i + 1 as priority_rank,
            timestamp '{TEN}' + to_hours(if(is_early, 1, -1)) as contact_not_before,
            timestamp '{TEN}' + to_days(7) as contact_valid_until,
            is_holdout
        from drawn;

        insert into main.carts select 'c' || i, timestamp '{TEN}' - to_hours(5) from drawn;
        insert into main.orders
        select 'other', user_id, timestamp '{TEN}' - to_hours(1) from drawn where has_bought;

        insert into vault.current_profiles by name
        select
            user_id,
            if(lacks_address, 'nobody at home', '  U' || i || '.Name+tag@Example-' || i % 50
                || '.com') as email,
            if(lacks_address, 'none', '030 ' || (1000000 + i)) as phone,
            'Zoë' as first_name,
            'DE' as country,
            if(is_night, 'Pacific/Honolulu', 'Europe/Berlin') as time_zone,
            if(lacks_consent, null, true) as email_consent,
            if(lacks_consent, false, true) as ad_user_data_consent,
            true as ad_personalization_consent
        from drawn where not lacks_profile;

        insert into vault.current_suppressions by name
        select 'all' as channel, user_id, 'complaint' as reason, timestamp '{TEN}' as suppressed_at
        from drawn where is_suppressed;

        insert into main.sessions
        select 'v' || i, user_id, timestamp '{TEN}' - to_hours(9), timestamp '{TEN}' - to_hours(8),
            true
        from drawn where is_bot;

        create table vault.contact_rows as
        select
            timestamp '{TEN}' - to_hours(hours) as contacted_at,
            user_id,
            cast(null as varchar) as email,
            cast(null as varchar) as visitor_id,
            'email' as channel,
            'mail ' || hours as campaign,
            'sent' as status,
            cast(null as varchar) as email_key
        from drawn
        inner join (values (23, true), (30, false), (60, false), (160, false)) as m (hours, is_new)
            on if(is_new, is_cooling, is_over_cap)
        """
    )
    return shop


def check(shop: Shop, prepared: Prepared, folder: Path) -> None:
    """Compare an export with what a query of its own says who may be in it."""
    for file in prepared.files:
        (folder / file.name).write_bytes(file.content)
    count = shop.connection.execute("select count(*) from drawn").fetchall()[0][0]
    assert {sum(each["counts"].values()) for each in prepared.exports.values()} == {count}
    refused = (
        "when is_suppressed then 'suppressed' when lacks_profile then 'no_profile'"
        " when lacks_consent then 'no_consent' when lacks_address then 'invalid_contact'"
        " when is_holdout then 'holdout' when is_bot then 'suspected_bot'"
        " when has_bought then 'bought_since' when gains_nothing then 'nothing_to_gain'"
    )
    now = (
        "when is_early then 'not_due' when is_cooling then 'in_cooldown'"
        " when is_over_cap then 'over_cap' when is_night then 'quiet_hours'"
    )
    gates = {"email": f"case {refused} {now} else 'eligible' end"}
    gates |= dict.fromkeys(("google", "meta"), f"case {refused} else 'eligible' end")
    for name, gate in gates.items():
        counts = shop.connection.execute(f"select {gate}, count(*) from drawn group by all")
        found = {
            each: number for each, number in prepared.exports[name]["counts"].items() if number
        }
        assert found == dict(counts.fetchall())
    address = "'u' || i || '.name+tag@example-' || i % 50 || '.com'"
    wanted = {
        name: f"select {value} from drawn where {gates[name]} = 'eligible'"
        for name, value in (
            ("email", address),
            ("google", f"sha256({address})"),
            ("meta", f"sha256({address})"),
        )
    }
    for name, query in wanted.items():
        path = folder / f"{name}.full.csv"
        header = "Email" if name == "google" else "email"
        found = f"select {header} from read_csv('{path}', all_varchar = true)"
        assert (
            shop.connection.execute(
                f"select (select count(*) from ({found}) semi join ({query}) as w (a)"
                f" on {header} = a),"
                f" (select count(*) from ({found})), (select count(*) from ({query}))"
            ).fetchall()[0]
            == (prepared.exports[name]["persons"],) * 3
        )
        assert prepared.exports[name]["persons"] == prepared.exports[name]["counts"]["eligible"]


def test_nobody_is_in_a_file_who_may_not_be_by_a_query_of_its_own(tmp_path):
    shop = filled(Home(tmp_path), 2_000)
    check(shop, shop.export(), tmp_path)


@pytest.mark.heavy
@pytest.mark.parametrize("share", [0.0, 0.3])
def test_100000_persons_are_written_and_hashed_in_less_than_20_seconds(tmp_path, share):
    shop = filled(Home(tmp_path), PERSONS, share)
    begun = time.process_time()
    prepared = shop.export()
    assert time.process_time() - begun < 20
    check(shop, prepared, tmp_path)
