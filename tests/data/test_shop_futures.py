"""Of many carts as many are bought, and as many shoppers come back, as the shop's futures say."""

from datetime import UTC, datetime

import numpy as np
import pytest

from data.shop_law import HORIZON_HOURS
from data.shop_visits import STEP
from data.simulated_shop import simulate

DAYS = 35
START = datetime(2026, 9, 27, tzinfo=UTC)


@pytest.fixture(scope="module")
def futures():
    return simulate(visitors=9_000, days=DAYS, seed=3, start=START).futures


def left_alone(futures, hours):
    """The newest visits of shoppers so many hours after one that left a cart, and the instants."""
    visits = futures.visits
    left = np.flatnonzero(visits.decides & ~visits.is_emptied)
    at = visits.end[left] + hours
    left, at = left[at + HORIZON_HOURS < DAYS * 24], at[at + HORIZON_HOURS < DAYS * 24]
    visit = futures.newest_visit(visits.person[left], at)
    return visit[visits.end[visit] < at], at[visits.end[visit] < at]


@pytest.mark.parametrize("hours", [1.0, 24.0, 96.0, 144.0])
def test_as_many_buy_as_is_said(futures, hours):
    visit, at = left_alone(futures, hours)
    visits = futures.visits
    device = visits.mind.decision_device[visit]
    chance = futures.buys(visit, at, device, seed=1, draws=30)
    orders = np.flatnonzero(visits.steps[:, STEP["purchase"]] > 0)
    by_person = {}
    for order in orders[np.argsort(visits.start[orders])]:
        by_person.setdefault(visits.person[order], []).append(order)
    signs_in = visits.steps[:, [STEP["sign_in"], STEP["sign_in_to_buy"]]].any(axis=1)
    bought = np.zeros(len(visit))
    for row, (person, since) in enumerate(zip(visits.person[visit], at, strict=True)):
        for order in by_person.get(person, ()):
            is_known = (visits.signed_in | signs_in)[order] & visits.mind.known_on[order]
            is_seen = visits.device[order] == device[row] or is_known[device[row]]
            if since < visits.end[order] <= since + HORIZON_HOURS and is_seen:
                bought[row] = 1
    spread = np.sqrt((chance * (1 - chance)).sum())
    assert len(visit) > 1000
    assert chance.sum() > 40
    # a person with several carts counts several times
    assert abs(bought.sum() - chance.sum()) < 4 * spread
    # and those more often of whom it was said
    likely = chance > np.median(chance)
    assert bought[likely].sum() > 2 * bought[~likely].sum()


def test_the_chance_to_be_away_is_that_of_how_many_were(futures):
    visit, since = left_alone(futures, 1.0)
    for hours in (24.0, 72.0):
        at = since + hours
        said = futures.still_away(visit, since, at).mean()
        was = (futures.visits.next_start[visit] > at).mean()
        assert was == pytest.approx(said, abs=0.02)


def test_as_many_are_seen_to_be_back_as_is_said(futures):
    visits, hours = futures.visits, (4.0, 24.0, 168.0)
    visit = np.flatnonzero(visits.end + max(hours) < DAYS * 24)
    chance = futures.returns(visit, visits.device[visit], hours, seed=1, draws=5)
    by_person = {}
    for each in np.argsort(visits.start):
        by_person.setdefault(visits.person[each], []).append(each)
    known_on = visits.mind.known_on & futures.people.has_account[visits.person][:, None]
    waited = np.full(len(visit), np.inf)
    for row, before in enumerate(visit):
        own = by_person[visits.person[before]]
        for after in own[own.index(before) + 1 :]:
            devices = visits.device[before], visits.device[after]
            is_known = known_on[before, devices[0]] and known_on[after, devices[1]]
            if devices[0] == devices[1] or is_known:
                waited[row] = visits.start[after] - visits.end[before]
                break
    is_back = waited[:, None] <= np.array(hours)
    assert len(visit) > 10_000
    assert chance.mean(axis=0) == pytest.approx(is_back.mean(axis=0), abs=0.01)
    # and those more often of whom it was said
    for column in range(len(hours)):
        said = chance[:, column]
        likely = said > np.median(said)
        assert is_back[likely, column].mean() > 1.5 * is_back[~likely, column].mean()


def test_the_newest_visit_is_the_one_that_had_begun(futures):
    visits = futures.visits
    rows = np.arange(0, len(visits.person), 97)
    person, start = visits.person[rows], visits.start[rows]
    assert futures.newest_visit(person, start + 1e-6).tolist() == rows.tolist()
    first = np.array([visits.start[visits.person == each].min() for each in person[:20]])
    assert futures.newest_visit(person[:20], first - 1e-6).tolist() == [-1] * 20
