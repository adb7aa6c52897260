"""Who visits the shop, when they come back, what they want there: people, visits, decisions.

Belongs here: the latent side of the simulation, one row a visit, nothing yet that a shop could see.
Does not belong here: events (`simulated_shop`), constants and closed forms (`shop_law`).

Everybody's n-th visit is drawn in one go, so the only loop is over n. A *decision* is a cart and
the person's mind about it: made at the first add, it fixes whether and when the cart is bought.
While it is pending, or younger than `decision_hours`, the person decides nothing else; that is what
keeps the truth in closed form.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from data.shop_law import (
    SESSION_GAP_HOURS,
    Flags,
    Floats,
    Ints,
    SeasonClock,
    ShopLaw,
    bought_later,
    log_logistic_quantile,
    purchase_delay,
    sigmoid,
)
from data.shop_people import MAX_DEVICES, People, device_kind

NO_DECISION = -1

# A visit is these steps in this order, each so many times; a step is one event. `browse` steps
# become page views, lists, searches and item views; the number is the add that a step belongs to.
STEPS = (
    *("landing", "browse", "sign_in", "focus"),
    *("view_1", "add_1", "view_2", "add_2", "view_3", "add_3", "view_4", "add_4"),
    *("wishlist", "view_cart", "take_off", "browse_on"),
    *("remove_1", "remove_2", "remove_3", "remove_4", "clear"),
    *("checkout", "sign_in_to_buy", "shipping", "payment", "purchase", "thanks", "repeat"),
)  # fmt: skip
STEP = {name: number for number, name in enumerate(STEPS)}
MAX_ADDS = 4

SOURCES = ("direct", "organic", "paid", "newsletter", "social", "referral")
_SOURCE_SHARES = (0.34, 0.28, 0.15, 0.09, 0.10, 0.04)
_SOURCE_INTENT = np.array([0.25, 0.05, 0.0, 0.45, -0.6, -0.1])

# At most this much between two events of a visit, on average and at all: well under half an hour.
_MAX_DWELL_SECONDS = 180.0
_MIN_DWELL_SECONDS = 6.0


@dataclass(frozen=True)
class Visits:
    """One entry a visit, ordered by round and person; times are hours since the opening.

    `steps` is (visits x STEPS) counts. A visit that makes a decision has `p_convert`; the
    `decision` of a visit is the row of the visit that made the decision it deals with.
    `p_later` and `decision_end` describe the decision still pending when the visit ends, for the
    law of the next return (zero when there is none).
    """

    person: Ints
    device: Ints
    source: Ints
    start: Floats
    end: Floats
    next_start: Floats
    steps: NDArray[np.int16]
    item: Ints
    signed_in: Flags  # from the first event on
    decides: Flags
    decision: Ints
    p_convert: Floats  # NaN unless the visit decides
    is_emptied: Flags
    p_later: Floats
    decision_end: Floats  # when the visit that decided ended
    mind: "Minds"  # of each person when the visit is over


@dataclass
class Minds:
    """What carries over from one visit of a person to the next, one entry a person."""

    due: Floats  # when the pending cart will be bought, inf for never
    blocked_until: Floats
    decision: Ints
    decision_device: Ints
    decision_end: Floats
    decision_item: Ints
    p_later: Floats
    orders: Ints
    known_on: Flags  # (people x devices): signed in there before

    @classmethod
    def fresh(cls, count: int) -> "Minds":
        """Those of people who never came."""
        return cls(
            due=np.full(count, np.inf),
            blocked_until=np.full(count, -np.inf),
            decision=np.full(count, NO_DECISION),
            decision_device=np.zeros(count, np.int64),
            decision_end=np.zeros(count),
            decision_item=np.zeros(count, np.int64),
            p_later=np.zeros(count),
            orders=np.zeros(count, np.int64),
            known_on=np.zeros((count, MAX_DEVICES), bool),
        )

    def of(self, who: Ints) -> "Minds":
        """A copy of those of some people."""
        return Minds(**{field.name: getattr(self, field.name)[who] for field in fields(self)})

    @classmethod
    def together(cls, minds: Sequence["Minds"]) -> "Minds":
        """Several one after the other."""
        return cls(
            **{
                field.name: np.concatenate([getattr(each, field.name) for each in minds])
                for field in fields(cls)
            }
        )


@dataclass(frozen=True)
class _Aims:
    """What visits are for, one entry a visit; p_convert is NaN unless the visit decides."""

    is_free: Flags  # to decide anything
    device: Ints
    source: Ints
    signed_in: Flags
    signs_in: Flags
    signs_in_to_buy: Flags  # if it comes to a checkout
    intent: Floats
    item: Ints
    focus: Ints  # views of that item before anything else
    sees_cart: Flags
    touches: Flags
    decides: Flags
    p_convert: Floats
    buys: Flags
    buys_now: Flags  # without a cart
    buys_later: Flags
    empties: Flags


def draw_visits(
    law: ShopLaw, people: People, prices: Floats, hours: float, clock: SeasonClock, seed: int
) -> Visits:
    """Draw every visit that begins within `hours`, and the later ones that complete a decision.

    `prices` is (items x days); the days beyond the last column keep its prices.
    """
    rng = np.random.default_rng([seed, 2])
    count = len(people)
    minds = Minds.fresh(count)
    rounds: list[Visits] = []
    row = 0
    who = np.arange(count)
    start = people.first_visit
    while len(who):
        visits = draw_round(law, people, minds, prices, clock, rng, who, start, row)
        rounds.append(visits)
        row += len(who)
        # A visit after the last hour is not in the dump, but may be the one that decides a truth.
        goes_on = (visits.next_start < hours) | (minds.due[who] < np.inf)
        who, start = who[goes_on], visits.next_start[goes_on]
    columns = {
        field.name: np.concatenate([getattr(visits, field.name) for visits in rounds])
        for field in fields(Visits)
        if field.name != "mind"
    }
    return Visits(**columns, mind=Minds.together([visits.mind for visits in rounds]))


def draw_round(
    law: ShopLaw,
    people: People,
    minds: Minds,
    prices: Floats,
    clock: SeasonClock,
    rng: np.random.Generator,
    who: Ints,
    start: Floats,
    row: int,
) -> Visits:
    """Draw one visit of each of `who` and bring `minds` up to its end; `row` numbers the first."""
    aim = _draw_aims(law, people, minds, prices, rng, who, start)
    steps = _draw_steps(law, aim, rng)
    dwell = law.dwell_seconds * np.exp(0.15 * aim.intent) * rng.gamma(4.0, 0.25, len(who))
    dwell = dwell.clip(_MIN_DWELL_SECONDS, _MAX_DWELL_SECONDS)
    end = start + (steps.sum(axis=1) - 1) * dwell / 3600.0
    origin = clock.season(end + SESSION_GAP_HOURS)

    decision = np.where(aim.is_free, NO_DECISION, minds.decision[who])
    decision = np.where(aim.decides, row + np.arange(len(who)), decision)
    delay = purchase_delay(law, rng.random(len(who)) < law.soon_share, rng.random(len(who)))
    _remember(law, minds, aim, who, start, end, decision, clock.hours(origin + delay))
    minds.known_on[who, aim.device] |= aim.signed_in | aim.signs_in
    minds.known_on[who, aim.device] |= steps[:, STEP["sign_in_to_buy"]] > 0

    # Whichever comes first: the shopper's own return or the purchase.
    back = clock.hours(origin + _draw_gaps(law, people, rng, who))
    earliest = end + SESSION_GAP_HOURS + 1.0 / 3600.0
    return Visits(
        person=who,
        device=aim.device,
        source=aim.source,
        start=start,
        end=end,
        next_start=np.maximum(np.minimum(back, minds.due[who]), earliest),
        steps=steps,
        item=aim.item,
        signed_in=aim.signed_in,
        decides=aim.decides,
        decision=decision,
        p_convert=aim.p_convert,
        is_emptied=aim.empties,
        p_later=minds.p_later[who],
        decision_end=minds.decision_end[who],
        mind=minds.of(who),
    )


def _draw_aims(
    law: ShopLaw,
    people: People,
    minds: Minds,
    prices: Floats,
    rng: np.random.Generator,
    who: Ints,
    start: Floats,
) -> _Aims:
    """Draw what each visit is for, and if that is a cart, what will come of it."""
    count = len(who)

    def happens(share: Floats | float) -> Flags:
        return rng.random(count) < share

    is_due = start >= minds.due[who]
    is_free = (start >= minds.blocked_until[who]) & ~is_due

    # Where: a due purchase is made on the cart's device, unless the shop knows the account there
    # and could know whose order it was.
    devices = people.devices[who]
    shift = 1 + (rng.random(count) * (devices - 1)).astype(np.int64)
    cart_device = minds.decision_device[who]
    moves = is_due & minds.known_on[who, cart_device] & (devices > 1)
    moves &= happens(law.other_device_share)
    device = np.where(happens(law.main_device_share), 0, shift % devices)
    device = np.where(is_due, cart_device, device)
    device = np.where(moves, (cart_device + shift) % devices, device)
    signed_in = minds.known_on[who, device] & happens(law.stays_signed_in_share)
    can_sign_in = people.has_account[who] & ~signed_in
    signs_in = can_sign_in & happens(law.sign_in_share)

    # What for.
    source = rng.choice(len(SOURCES), count, p=_SOURCE_SHARES)
    intent = rng.standard_normal(count) + _SOURCE_INTENT[source]
    eagerness = law.cart_intent_weight * (people.intent[who] + intent)
    decides = is_free & happens(sigmoid(law.cart_logit + eagerness))
    buys_now = is_free & ~decides & happens(law.buy_now_share)
    has_cart = (minds.decision[who] != NO_DECISION) & (device == cart_device)
    touches = has_cart & ~is_free & ~is_due & happens(law.carried_touch_share)
    item = (rng.random(count) ** 2.0 * len(prices)).astype(np.int64)
    item = np.where(is_due, minds.decision_item[who], item)
    focus = rng.poisson(np.exp(0.2 + 0.45 * intent))

    # The decision depends on nothing but what has been drawn above.
    day = np.minimum((start / 24.0).astype(np.int64), prices.shape[1] - 1)
    expense = people.sensitivity[who] * np.log(prices[item, day] / law.price_median)
    p_convert = sigmoid(
        law.convert_logit
        + law.person_weight * people.intent[who]
        + law.visit_weight * intent
        + law.focus_weight * (np.log1p(focus) - 0.85)
        - law.price_weight * expense
        + law.signed_in_weight * (signed_in | signs_in)
        + law.bought_before_weight * (minds.orders[who] > 0)
        + law.mobile_weight * (device_kind(law, who, device) == 0)
        + law.shift_log_odds * (start >= law.shift_from_hours)
    )
    converts = decides & happens(p_convert)
    at_once = converts & happens(law.at_once_share)
    return _Aims(
        is_free=is_free,
        device=device,
        source=source,
        signed_in=signed_in,
        signs_in=signs_in,
        signs_in_to_buy=can_sign_in & ~signs_in & (moves | happens(law.sign_in_to_buy_share)),
        intent=intent,
        item=item,
        focus=focus,
        sees_cart=decides | is_due | (has_cart & happens(0.4)),
        touches=touches,
        decides=decides,
        p_convert=np.where(decides, p_convert, np.nan),
        buys=at_once | buys_now | is_due,
        buys_now=buys_now,
        buys_later=converts & ~at_once,
        empties=decides & ~converts & happens(law.emptied_share),
    )


def _draw_steps(law: ShopLaw, aim: _Aims, rng: np.random.Generator) -> NDArray[np.int16]:
    """Draw how often each of STEPS is in each visit: (visits x STEPS) counts."""
    count = len(aim.intent)

    def happens(share: Floats | float) -> Flags:
        return rng.random(count) < share

    mean = law.browse_mean * np.exp(law.browse_spread * aim.intent)
    adds = np.where(aim.decides, 1 + rng.poisson(law.extra_adds_mean, count), 0).clip(0, MAX_ADDS)
    clears = aim.empties & happens(0.5)
    # Buyers go all the way through the checkout; of the others, the eager look into it.
    looks_in = aim.decides & happens(law.idle_checkout_share * 2 * sigmoid(aim.intent))
    depth = np.where(aim.buys, 3, np.where(looks_in, rng.integers(1, 4, count), 0))
    times: dict[str, Ints | Flags] = {
        "landing": np.ones(count, np.int64),
        "browse": rng.poisson(mean * rng.gamma(3.0, 1.0 / 3.0, count)),
        "sign_in": aim.signs_in,
        "focus": np.where(aim.decides | aim.buys_now | happens(0.35), aim.focus, 0),
        "wishlist": happens(law.wishlist_share),
        "view_cart": np.where(aim.sees_cart, rng.poisson(0.8, count), 0),
        "take_off": (adds >= 2) & ~aim.empties & happens(law.second_thoughts_share),
        "browse_on": rng.poisson(np.where(aim.decides, 1.2 * np.exp(0.2 * aim.intent), 0.4)),
        "clear": clears,
        "checkout": depth >= 1,
        "sign_in_to_buy": aim.signs_in_to_buy & (depth >= 1),
        "shipping": depth >= 2,
        "payment": depth >= 3,
        "purchase": aim.buys,
        "thanks": aim.buys,
        "repeat": aim.buys & happens(law.repeat_order_share),
    }
    for number in range(1, MAX_ADDS + 1):
        # What is added to a cart of an earlier visit is the second item: the first is the cart's.
        is_added = (adds >= number) | (aim.touches if number == 2 else False)
        times[f"view_{number}"] = is_added | (aim.buys_now if number == 1 else False)
        times[f"add_{number}"] = is_added
        times[f"remove_{number}"] = aim.empties & ~clears & is_added
    return np.stack([times[name] for name in STEPS], axis=1).astype(np.int16)


def _remember(
    law: ShopLaw,
    minds: Minds,
    aim: _Aims,
    who: Ints,
    start: Floats,
    end: Floats,
    decision: Ints,
    due: Floats,
) -> None:
    """Bring the minds of `who` up to the end of the visit; `due` is for those who buy later."""
    waits = aim.decides & ~aim.buys & ~aim.empties
    p_later = np.where(waits, bought_later(law, aim.p_convert), 0.0)
    has_decided = aim.is_free | aim.buys
    minds.p_later[who] = np.where(has_decided, p_later, minds.p_later[who])
    due = np.where(aim.buys_later, due, np.where(aim.buys, np.inf, minds.due[who]))
    minds.due[who] = due
    # Nothing else is decided until a due purchase is made; having bought frees the mind at once.
    blocked_until = np.where(aim.decides, start + law.decision_hours, minds.blocked_until[who])
    blocked_until = np.where(aim.buys, -np.inf, blocked_until)
    minds.blocked_until[who] = np.where(due < np.inf, np.inf, blocked_until)
    minds.decision[who] = np.where(aim.buys | aim.empties, NO_DECISION, decision)
    minds.decision_device[who] = np.where(aim.decides, aim.device, minds.decision_device[who])
    minds.decision_end[who] = np.where(aim.decides, end, minds.decision_end[who])
    minds.decision_item[who] = np.where(aim.decides, aim.item, minds.decision_item[who])
    minds.orders[who] += aim.buys


def _draw_gaps(law: ShopLaw, people: People, rng: np.random.Generator, who: Ints) -> Floats:
    """Draw season hours until each comes back unasked, with `return_cdf`'s law; inf for never."""
    share = rng.random(len(who))
    gap = np.where(
        rng.random(len(who)) < people.quick[who],
        log_logistic_quantile(share, people.quick_median[who], law.quick_shape),
        log_logistic_quantile(share, people.slow_median[who], law.slow_shape),
    )
    return np.where(rng.random(len(who)) < people.never[who], np.inf, gap)


def _logit(share: float) -> float:
    return float(np.log(share / (1.0 - share)))
