"""What may still come of carts and visits: the truth that has no closed form.

Belongs here: chances to buy from an instant on, given that the shopper has stayed away until then,
and to come back as far as a shop can know it.
Does not belong here: the truth tables (`shop_truth`), or anything estimated from events.

The decision behind a cart has a closed form at every age. From `decision_hours` on a shopper may
decide again, which has none: futures are drawn from the shop's own law instead.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from data.shop_law import (
    HORIZON_HOURS,
    SESSION_GAP_HOURS,
    Flags,
    Floats,
    Ints,
    SeasonClock,
    ShopLaw,
    log_logistic_cdf,
    log_logistic_quantile,
    purchase_between,
    purchase_delay,
    purchase_delay_cdf,
    purchase_delay_cdfs,
    return_cdf,
)
from data.shop_people import People
from data.shop_visits import NO_DECISION, STEP, Minds, Visits, draw_round

DRAWS = 60


@dataclass(frozen=True)
class Futures:
    """The latent side of a shop, asked what may come of a visit.

    Everywhere `visit` is (n,) rows of `visits`, and `at` (n,) hours since the opening, after the
    visit's end and with no visit of the person in between.
    """

    law: ShopLaw
    clock: SeasonClock
    people: People
    visits: Visits
    prices: Floats

    def newest_visit(self, person: Ints, at: Floats) -> Ints:
        """(n,) the newest visit of each person that had begun by then, -1 before the first."""
        order = np.lexsort((self.visits.start, self.visits.person))
        times = pl.DataFrame(
            {
                "person": self.visits.person[order],
                "start": self.visits.start[order],
                "visit": order,
            }
        )
        asked = pl.DataFrame({"person": person, "start": at}).with_row_index().sort("start")
        found = asked.join_asof(
            times.sort("start"), on="start", by="person", check_sortedness=False
        )
        return found.sort("index")["visit"].fill_null(-1).to_numpy()

    def still_away(self, visit: Ints, since: Floats, at: Floats) -> Floats:
        """P(still away then | away at `since`, which is after the visit)."""
        alone = (1 - self._returned(visit, at)) / (1 - self._returned(visit, since))
        return alone * (1 - self.buys_pending(visit, since, at - since))

    def buys_pending(
        self, visit: Ints, at: Floats, hours: Floats | float = HORIZON_HOURS
    ) -> Floats:
        """P(buys within so many hours what was decided on before)."""
        origin = self._decided(visit)
        since, until = (self.clock.season(each) - origin for each in (at, at + hours))
        return purchase_between(self.law, self.visits.p_later[visit], since, until)

    def buys(self, visit: Ints, at: Floats, device: Ints, seed: int, draws: int = DRAWS) -> Floats:
        """P(an order within the horizon that a shop can know to be of the person on a device).

        An order from another device is known to be of the same person if they are signed in there,
        and were on this one.
        """
        person = self.visits.person[visit]
        mind = self.visits.mind
        is_known = mind.known_on[visit, device] & self.people.has_account[person]
        on_other = (
            1 - (1 - self.law.stays_signed_in_share) * (1 - self.law.sign_in_to_buy_share)
        ) * is_known
        seen = np.where(mind.decision_device[visit] == device, 1.0, on_other)
        old = self.buys_pending(visit, at) * seen
        return old + self._buys_by_new_decision(
            visit, at, device, np.random.default_rng(seed), draws
        )

    def returns(
        self, visit: Ints, device: Ints, hours: Sequence[float], seed: int, draws: int = DRAWS
    ) -> Floats:
        """(n x hours) P(back within so many hours of the visit's end, and the shop can know it).

        A visit on another device is known to be of the same person if they signed in on both.
        """
        rng = np.random.default_rng(seed)
        person, end = self.visits.person[visit], self.visits.end[visit]
        left, free_from = end + SESSION_GAP_HOURS, self._free_from(visit)
        is_known = self.visits.mind.known_on[visit, device] & self.people.has_account[person]
        counted = np.zeros((len(visit), len(hours)))
        for rows in _turns(person):
            for _ in range(draws):
                due = self._due(visit[rows], left[rows], rng)
                minds = self._minds(visit[rows], free_from[rows])
                minds.due[person[rows]] = due
                minds.blocked_until[person[rows]] = np.where(due < np.inf, np.inf, free_from[rows])
                row, start = rows, self._next_visits(visit[rows], left[rows], rng)
                start = np.minimum(start, due)
                while (comes := start < end[row] + max(hours)).any():
                    row, start = row[comes], start[comes]
                    visits = draw_round(
                        *(self.law, self.people, minds, self.prices, self.clock, rng),
                        *(person[row], start, 0),
                    )
                    known_there = visits.mind.known_on[np.arange(len(row)), visits.device]
                    is_seen = (visits.device == device[row]) | (is_known[row] & known_there)
                    waited = (start - end[row])[:, None]
                    counted[row[is_seen]] += waited[is_seen] <= np.asarray(hours)
                    row, start = row[~is_seen], visits.next_start[~is_seen]
        return counted / draws

    def _due(self, visit: Ints, at: Floats, rng: np.random.Generator) -> Floats:
        """When each buys what was decided on, one draw of those after `at`; infinite for never."""
        origin = self._decided(visit)
        before = purchase_delay_cdfs(self.law, self.clock.season(at) - origin)
        soon, late = self.law.soon_share, 1 - self.law.soon_share
        parts = [share * (1 - gone) for share, gone in zip((soon, late), before, strict=True)]
        is_soon = rng.random(len(visit)) * (parts[0] + parts[1]) < parts[0]
        gone = np.where(is_soon, *before)
        share = np.minimum(gone + rng.random(len(visit)) * (1 - gone), 1 - 1e-12)
        due = self.clock.hours(origin + purchase_delay(self.law, is_soon, share))
        is_pending = rng.random(len(visit)) < self._is_pending(visit, at)
        return np.where(is_pending, np.maximum(due, at), np.inf)

    def _decided(self, visit: Ints) -> Floats:
        return self.clock.season(self.visits.decision_end[visit] + SESSION_GAP_HOURS)

    def _returned(self, visit: Ints, at: Floats) -> Floats:
        person, origin = self.visits.person[visit], self._left(visit)
        return return_cdf(
            self.law,
            self.clock.season(at) - origin,
            self.people.never[person],
            self.people.quick[person],
            self.people.quick_median[person],
            self.people.slow_median[person],
        )

    def _left(self, visit: Ints) -> Floats:
        return self.clock.season(self.visits.end[visit] + SESSION_GAP_HOURS)

    def _is_pending(self, visit: Ints, at: Floats) -> Floats:
        """P(what was decided will still be bought | not bought yet)."""
        before = purchase_delay_cdf(self.law, self.clock.season(at) - self._decided(visit))
        p_later = self.visits.p_later[visit]
        return p_later * (1 - before) / (1 - p_later * before)

    def _free_from(self, visit: Ints) -> Floats:
        """When a person may decide again if nothing is pending."""
        mind = self.visits.mind
        blocked, decision = mind.blocked_until[visit], mind.decision[visit]
        decided_at = self.visits.start[np.maximum(decision, 0)]
        after = np.where(decision == NO_DECISION, -np.inf, decided_at + self.law.decision_hours)
        return np.where(np.isposinf(blocked), after, blocked)

    def _buys_by_new_decision(
        self, visit: Ints, at: Floats, device: Ints, rng: np.random.Generator, draws: int
    ) -> Floats:
        """P(nothing was pending, and an order comes of a new decision), of so many futures each."""
        counted = np.zeros(len(visit))
        person = self.visits.person[visit]
        free_from = self._free_from(visit)
        for rows in _turns(person):
            for _ in range(draws):
                start = self._next_visits(visit[rows], at[rows], rng)
                comes = start < at[rows] + HORIZON_HOURS
                row, start = rows[comes], start[comes]
                minds = self._minds(visit[row], free_from[row])
                while len(row):
                    visits = draw_round(
                        *(self.law, self.people, minds, self.prices, self.clock, rng),
                        *(person[row], start, 0),
                    )
                    end = at[row] + HORIZON_HOURS
                    is_bought = (visits.steps[:, STEP["purchase"]] > 0) & (visits.end < end)
                    counted[row[is_bought & self._is_seen(visits, device[row])]] += 1
                    goes_on = ~is_bought & (visits.next_start < end)
                    row, start = row[goes_on], visits.next_start[goes_on]
        return (1 - self._is_pending(visit, at)) * counted / draws

    def _next_visits(self, visit: Ints, at: Floats, rng: np.random.Generator) -> Floats:
        """When each comes back unasked, one draw of those after `at`; infinite for never."""
        law, person = self.law, self.visits.person[visit]
        left = self._left(visit)
        waited = self.clock.season(at) - left
        never, quick = self.people.never[person], self.people.quick[person]
        medians = (self.people.quick_median[person], self.people.slow_median[person])
        shapes = (law.quick_shape, law.slow_shape)
        past = [log_logistic_cdf(waited, *each) for each in zip(medians, shapes, strict=True)]
        parts = [
            (1 - never) * share for share in (quick * (1 - past[0]), (1 - quick) * (1 - past[1]))
        ]
        dice = rng.random(len(visit)) * (never + parts[0] + parts[1])
        draw = rng.random(len(visit))
        gaps = [
            log_logistic_quantile(np.minimum(gone + draw * (1 - gone), 1 - 1e-12), *each)
            for gone, each in zip(past, zip(medians, shapes, strict=True), strict=True)
        ]
        gap = np.where(dice < parts[0], gaps[0], gaps[1])
        gap = np.where(dice < parts[0] + parts[1], gap, np.inf)
        return np.maximum(self.clock.hours(left + gap), at)

    def _minds(self, visit: Ints, free_from: Floats) -> Minds:
        """The minds of all people, those of the visits' as they left, nothing pending."""
        minds = Minds.fresh(len(self.people))
        person, left = self.visits.person[visit], self.visits.mind
        for name in ("decision", "decision_device", "decision_end", "decision_item", "orders"):
            getattr(minds, name)[person] = getattr(left, name)[visit]
        minds.known_on[person] = left.known_on[visit]
        minds.blocked_until[person] = free_from
        return minds

    def _is_seen(self, visits: Visits, device: Ints) -> Flags:
        """Whether an order is on a device, or known to be of who was signed in there."""
        signs_in = visits.steps[:, [STEP["sign_in"], STEP["sign_in_to_buy"]]].any(axis=1)
        is_known = visits.mind.known_on[np.arange(len(device)), device]
        return (visits.device == device) | ((visits.signed_in | signs_in) & is_known)


def _turns(person: Ints) -> Iterator[Ints]:
    """Rows of different people, as a round has one visit of each; every row once."""
    people = pl.DataFrame({"person": person})
    turn = people.select(pl.int_range(pl.len()).over("person")).to_series().to_numpy()
    for number in range(turn.max(initial=-1) + 1):
        yield np.flatnonzero(turn == number)
