"""What is true in the simulated shop: its rates, its seasons, and the closed forms they imply.

Belongs here: every constant of the simulation and the probabilities that follow from them.
Does not belong here: random draws (`shop_visits`, `shop_events`), delivery (`shop_delivery`).

Hours are hours since the shop opened. *Season hours* run fast when the shop is busy and slow at
night, 168 of them to a week: whoever waits a number of season hours comes back at a busy time more
often than at a quiet one, and the probability of being back within h hours stays a closed form.
"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

HORIZON_HOURS = 72.0
IDLE_HOURS = 24.0
RETURN_HOURS = (4.0, 8.0, 24.0, 72.0, 168.0)
SESSION_GAP_HOURS = 0.5  # a visit never begins sooner after the one before


@dataclass(frozen=True)
class ShopLaw:
    """The constants of the shop. Shares are of the thing named, times are in (season) hours."""

    # Who: latent traits are standard normal unless said otherwise.
    second_device_share: float = 0.34  # people with two visitor ids
    third_device_share: float = 0.08  # people with three
    main_device_share: float = 0.85  # visits made on the first device
    mobile_share: float = 0.58
    tablet_share: float = 0.07
    account_share: float = 0.70
    stays_signed_in_share: float = 0.5  # visits that begin signed in, on a device once signed in
    sign_in_share: float = 0.16  # other visits in which the shopper signs in half-way
    sign_in_to_buy_share: float = 0.85  # the same among visits that see the checkout
    sensitivity_sigma: float = 0.5  # price sensitivity is log-normal about 1

    # Coming back: after each visit never, or after a log-logistic time, quick or slow.
    never_share: float = 0.42  # of a person of average engagement
    never_spread: float = 0.9  # log-odds per unit of (dis)engagement
    quick_share: float = 0.45  # of the returns
    quick_spread: float = 0.8
    quick_median_hours: float = 4.0
    quick_shape: float = 1.7
    slow_median_hours: float = 65.0
    slow_shape: float = 2.2
    median_sigma: float = 0.3  # of the person's own medians, log scale

    # A visit.
    browse_mean: float = 6.8  # events of looking around, at average intent
    browse_spread: float = 0.30  # log of the mean per unit of intent
    dwell_seconds: float = 42.0  # mean time between two events
    cart_logit: float = -1.55  # a visit free to fill a cart does
    cart_intent_weight: float = 0.45
    buy_now_share: float = 0.012  # of such visits without a cart
    wishlist_share: float = 0.04
    extra_adds_mean: float = 0.55
    companion_share: float = 0.5  # second adds of what goes with the first
    multi_quantity_share: float = 0.18
    instant_add_share: float = 0.02  # adds recorded at the very time of the view before them
    second_thoughts_share: float = 0.12  # later adds taken off again
    carried_touch_share: float = 0.25  # visits, while a cart waits, that add to it
    idle_checkout_share: float = 0.30  # carts not bought at once that see the checkout

    # A cart: bought with a probability fixed at its first add, at once or at a later visit.
    convert_logit: float = -1.45
    person_weight: float = 0.55
    visit_weight: float = 0.95
    focus_weight: float = 1.45  # per log of the views of the item before the add, about its mean
    price_weight: float = 0.95  # per log of price over the median, times sensitivity
    mobile_weight: float = -0.5
    shift_from_hours: float = float("inf")  # of visits from then on
    shift_log_odds: float = 0.0  # the odds of buying are others
    signed_in_weight: float = 0.6
    bought_before_weight: float = 0.7
    at_once_share: float = 0.60  # of the carts bought: within the visit
    soon_share: float = 0.5  # of the rest: hours, not days
    soon_median_hours: float = 5.0
    soon_shape: float = 1.8
    late_median_hours: float = 34.0
    late_shape: float = 2.5
    latest_hours: float = 96.0  # nobody buys a cart later than that without a new decision
    emptied_share: float = 0.13  # of the carts not bought: emptied before the visit ends
    other_device_share: float = 0.60  # later purchases made on another device, where one is known
    decision_hours: float = 120.0  # no new decision to buy while one is pending or that young
    repeat_order_share: float = 0.05  # orders repeated by a reload of the last page
    silent_order_share: float = 0.1  # orders whose purchase does not list what was bought
    refund_share: float = 0.08  # orders with an account, paid back within days

    # What a nudge does to the odds of buying (log scale: base + weight * trait).
    reminder_log_odds: float = 0.14
    reminder_forgetful_weight: float = 0.10
    incentive_log_odds: float = 0.10
    incentive_sensitivity_weight: float = 0.30
    # The same by the hours since the visit: at once it harms, after days it is forgotten.
    early_nudge_log_odds: float = -0.32
    early_nudge_hours: float = 7.0
    late_nudge_log_odds: float = -0.08  # gained within a week after the third day

    # The catalogue.
    item_count: int = 600
    price_median: float = 48.0
    price_sigma: float = 0.9
    price_change_share: float = 0.06  # of the items a day
    price_change_sigma: float = 0.12

    # Noise: machines, passive events, and what goes wrong on the way.
    crawler_share: float = 0.0004  # visitors with over a thousand events in a session
    monitor_share: float = 0.0004  # visitors whose one session lasts over twelve hours
    newsletter_opens: float = 0.5  # passive email_open events per account
    late_share: float = 0.015  # rows delivered in a later file
    late_mean_hours: float = 6.0
    duplicate_share: float = 0.006  # rows delivered twice, alike
    redelivered_share: float = 0.003  # events delivered again with a later time
    bad_required_share: float = 0.002  # extra rows nobody can use
    bad_optional_share: float = 0.002  # rows with a bad price, quantity or currency
    placeholder_user_share: float = 0.01  # anonymous rows whose user is "null" or the like
    broken_line_share: float = 0.0003  # extra lines cut short (text formats only)


# Relative busyness by UTC hour and by weekday from Monday; only the ratios matter.
_HOURS = (
    *(0.45, 0.28, 0.20, 0.16, 0.17, 0.28, 0.50, 0.75, 0.92, 1.02, 1.10, 1.15),
    *(1.22, 1.18, 1.12, 1.10, 1.15, 1.25, 1.42, 1.65, 1.80, 1.72, 1.35, 0.85),
)
_WEEKDAYS = (1.02, 0.96, 0.95, 0.98, 0.92, 1.02, 1.15)


class SeasonClock:
    """Turns hours since `start` (aware, whole hour) into season hours and back; both increase."""

    def __init__(self, start: datetime) -> None:
        """Lay out one week from Monday; `start` only says where in it the shop opens."""
        busyness = np.outer(_WEEKDAYS, _HOURS).ravel()
        self._week = np.concatenate([[0.0], np.cumsum(busyness / busyness.mean())])
        self._edges = np.arange(169.0)
        self._opening = float(start.weekday() * 24 + start.hour)
        self._offset = float(self._week[int(self._opening)])

    def season(self, hours: Floats) -> Floats:
        """Season hours between the opening and each of `hours`."""
        weeks, rest = np.divmod(np.asarray(hours) + self._opening, 168.0)
        return weeks * 168.0 + np.interp(rest, self._edges, self._week) - self._offset

    def hours(self, season: Floats) -> Floats:
        """Return the inverse of `season`; infinite stays infinite."""
        never = np.isinf(season)
        weeks, rest = np.divmod(np.where(never, 0.0, season) + self._offset, 168.0)
        hours = weeks * 168.0 + np.interp(rest, self._week, self._edges) - self._opening
        return np.where(never, np.inf, hours)


def sigmoid(logit: Floats) -> Floats:
    """Turn log-odds into a probability."""
    return 1.0 / (1.0 + np.exp(-logit))


def log_logistic_cdf(time: Floats, median: Floats | float, shape: float) -> Floats:
    """P(T <= time) of a log-logistic T; zero for times of zero or less."""
    odds = (np.maximum(time, 0.0) / median) ** shape
    return odds / (1.0 + odds)


def log_logistic_quantile(share: Floats, median: Floats | float, shape: float) -> Floats:
    """Return the inverse of `log_logistic_cdf` for shares in [0, 1)."""
    return median * (share / (1.0 - share)) ** (1.0 / shape)


def return_cdf(
    law: ShopLaw,
    season_hours: Floats,
    never: Floats,
    quick: Floats,
    quick_median: Floats,
    slow_median: Floats,
) -> Floats:
    """P(back by itself within that many season hours), counted from half an hour after a visit."""
    soon = log_logistic_cdf(season_hours, quick_median, law.quick_shape)
    slow = log_logistic_cdf(season_hours, slow_median, law.slow_shape)
    return (1.0 - never) * (quick * soon + (1.0 - quick) * slow)


def purchase_delay_cdf(law: ShopLaw, season_hours: Floats) -> Floats:
    """P(delay <= season_hours) of a cart that is bought, but not at once; 1 at `latest_hours`."""
    soon, late = purchase_delay_cdfs(law, season_hours)
    return law.soon_share * soon + (1.0 - law.soon_share) * late


def purchase_delay_cdfs(law: ShopLaw, season_hours: Floats) -> tuple[Floats, Floats]:
    """The same of those bought soon, and of those bought late."""
    waited = np.minimum(season_hours, law.latest_hours)
    latest = np.asarray(law.latest_hours)
    soon, late = (
        log_logistic_cdf(waited, median, shape) / log_logistic_cdf(latest, median, shape)
        for median, shape in _delays(law)
    )
    return soon, late


def purchase_delay(law: ShopLaw, is_soon: NDArray[np.bool_], share: Floats) -> Floats:
    """Season hours until the purchase, from uniform `share`, with `purchase_delay_cdf`'s law."""
    latest = np.asarray(law.latest_hours)
    soon, late = (
        log_logistic_quantile(share * log_logistic_cdf(latest, median, shape), median, shape)
        for median, shape in _delays(law)
    )
    return np.where(is_soon, soon, late)


def _delays(law: ShopLaw) -> tuple[tuple[float, float], tuple[float, float]]:
    return (
        (law.soon_median_hours, law.soon_shape),
        (law.late_median_hours, law.late_shape),
    )


def purchase_by(law: ShopLaw, p_convert: Floats, season_hours: Floats) -> Floats:
    """P(bought within that many season hours of the first visit's end), as of the first add."""
    later = (1.0 - law.at_once_share) * purchase_delay_cdf(law, season_hours)
    return p_convert * (law.at_once_share + later)


def bought_later(law: ShopLaw, p_convert: Floats) -> Floats:
    """P(bought at a later visit), given that the first visit ended with the cart still full."""
    later = p_convert * (1.0 - law.at_once_share)
    given_up = (1.0 - p_convert) * (1.0 - law.emptied_share)
    return later / (later + given_up)


def delay_log_odds(law: ShopLaw, hours: Floats) -> Floats:
    """What a nudge so many hours after the visit does less to the log odds of buying than at best.

    To be added to the logarithm of an odds ratio of `people_truth`: within the hour it turns a
    reminder into harm, from one to three days it is next to nothing.
    """
    early = law.early_nudge_log_odds * np.exp(-np.asarray(hours) / law.early_nudge_hours)
    late = law.late_nudge_log_odds * np.clip((np.asarray(hours) - 72.0) / 168.0, 0.0, None)
    return early + late


def purchase_between(law: ShopLaw, p_later: Floats, since: Floats, until: Floats) -> Floats:
    """P(bought in (since, until] season hours after the first visit | not bought by `since`).

    `p_later` is `bought_later`; zero of it (no cart, an emptied one) gives zero.
    """
    before = purchase_delay_cdf(law, since)
    within = purchase_delay_cdf(law, until) - before
    return p_later * within / (1.0 - p_later * before)
