"""How good the scores were: against what happened, by week and by age, and the return curve.

Belongs here: the section that holds predictions against outcomes. Not here: following outcomes
(`warehouse.outcomes`), or the metrics (`ml.evaluation`).

A cart is scored hour after hour. It counts once in each picture: by the first of its scores there.
Carts of suspected bots are in none, as in the checks of the scores (`modelling.score_health`).
Intervals of 95 % are of what came.
"""

from datetime import timedelta
from functools import partial

import numpy as np

from ml import evaluation
from ml.horizons import HORIZONS_HOURS
from orchestration.outputs.report import formats
from orchestration.outputs.report.parts import Picture, Section, Table
from orchestration.outputs.report.published import Hour, Published, Row
from orchestration.warehouse.contactable import IS_BOTS, IS_OF_PERSON
from orchestration.warehouse.outcomes import weekly_outcomes

SHOWN_WEEKS = 8
RECENT_DAYS = 28
RETURN_DAYS = 14
MIN_CARTS = 10
_BINS = 10
_AGES_HOURS = (0, 1, 4, 8, 24, 48, 72, 168)
_LEGEND = (("dot blue", "predicted, mean"), ("square orange", "came, with its interval"))

_RECENT = f"""
    bots as (select scored_at, cart_id from cart_scores where {IS_BOTS}),
    recent as (
        select * from score_outcomes anti join bots using (scored_at, cart_id)
        where is_mature and hours_idle is not null and scored_at > (
            select max(scored_at) filter (is_mature) from score_outcomes
        ) - to_days({RECENT_DAYS})
    )
"""
_BY_AGE = f"""
    with {_RECENT},
    first_scores as (
        select
            list_last(list_filter({list(_AGES_HOURS)}, lambda h: h <= hours_idle)) as from_hours,
            arg_min(p_abandon, scored_at) as p_abandon,
            arg_min(is_converted, scored_at) as is_converted
        from recent group by from_hours, cart_id
    )
    select
        from_hours, count(*) as carts, count(*) filter (not is_converted) as not_bought,
        avg(p_abandon) as predicted
    from first_scores group by from_hours having count(*) >= {MIN_CARTS} order by from_hours
"""
_CALIBRATION = f"""
    with {_RECENT},
    first_scores as (
        select
            cart_id, arg_min(p_abandon, scored_at) as p_abandon,
            arg_min(is_converted, scored_at) as is_converted
        from recent group by cart_id
    ),
    binned as (
        select *, ntile({_BINS}) over (order by p_abandon, cart_id) as bin from first_scores
    )
    select
        bin, count(*) as carts, count(*) filter (not is_converted) as not_bought,
        avg(p_abandon) as predicted
    from binned group by bin having count(*) >= {MIN_CARTS} order by bin
"""
# A shopper is back with the next session of the visitor, or of the same owner on another device.
_RETURNS = f"""
    with first_scores as (
        select
            visitor_id, arg_min_null(owner_id, scored_at) as owner_id, min(scored_at) as first_at,
            {
    ", ".join(f"arg_min(p_return_{hours:g}h, scored_at) as p_{hours:g}" for hours in HORIZONS_HOURS)
}
        from cart_scores
        where scored_at > $1 - to_days({RETURN_DAYS}) and scored_at < $2 and {IS_OF_PERSON}
        group by visitor_id
    ),
    later as (
        select visitor_id, owner_id, started_at from sessions
        where started_at > $1 - to_days({RETURN_DAYS}) and started_at <= $2
    ),
    owned as (select owner_id, started_at from later where owner_id is not null),
    returns as (
        select first_scores.*, least(later.started_at, owned.started_at) as back_at
        from first_scores
        asof left join later
            on first_scores.visitor_id = later.visitor_id
            and first_scores.first_at < later.started_at
        asof left join owned
            on first_scores.owner_id = owned.owner_id
            and first_scores.first_at < owned.started_at
    )
    select
        (epoch_us(coalesce(back_at, $2)) - epoch_us(first_at)) / 3.6e9 as hours,
        back_at is not null as is_back,
        {", ".join(f"p_{hours:g}" for hours in HORIZONS_HOURS)}
    from returns where p_{HORIZONS_HOURS[0]:g} is not null
    order by all
"""


def newest_week(published: Published) -> Row | None:
    """Predicted and observed of the newest week of outcomes; as `evaluation.outcomes_table`."""
    if not published.has_rows("score_outcomes"):
        return None
    weekly = weekly_outcomes(published.connection, 1, "main")
    return evaluation.outcomes_table(weekly).row(-1, named=True) if weekly.height else None


def outcomes(published: Published) -> Section | None:
    """Scores against what happened."""
    hour = published.hour
    if hour is None:
        return None
    makers = (_by_week, _by_age, _calibration, partial(_return_curve, hour=hour))
    pictures = [picture for make in makers if (picture := make(published)) is not None]
    if not pictures:
        return None
    lead = (
        "What was said of carts, those of suspected bots aside, and what came of it. Where"
        " predictions lie within the interval of what came, they can be taken at their word."
    )
    return Section("outcomes", "Scored against what happened", lead, pictures)


def _by_week(published: Published) -> Picture | None:
    if not published.has_rows("score_outcomes"):
        return None
    weekly = weekly_outcomes(published.connection, SHOWN_WEEKS, "main")
    if weekly.is_empty():
        return None
    table = evaluation.outcomes_table(weekly)
    labels = [f"{week.day} {week:%b}" for week in table["week"]]
    rows = [(formats.day(week), count) for week, count in table.select("week", "cart_count").rows()]
    return _picture(
        "outcomes-by-week",
        "Not bought, by week of the score",
        "Week of",
        "week",
        labels,
        rows,
        table["mean_predicted"].to_numpy(),
        table["mean_observed"].to_numpy(),
        table["observed_low"].to_numpy(),
        table["observed_high"].to_numpy(),
    )


def _by_age(published: Published) -> Picture | None:
    if not published.has_rows("score_outcomes"):
        return None
    rows = published.rows(_BY_AGE)
    if not rows:
        return None
    ends = dict(zip(_AGES_HOURS, (*_AGES_HOURS[1:], None), strict=True))
    names = [_age(row["from_hours"], ends[row["from_hours"]]) for row in rows]
    return _picture(
        "outcomes-by-age",
        "Not bought, by hours since the last touch",
        "Hours since the last touch",
        "age",
        names,
        [(name, row["carts"]) for name, row in zip(names, rows, strict=True)],
        *_shares(rows),
    )


def _age(start: int, end: int | None) -> str:
    return f"{start}+" if end is None else f"{start}\N{EN DASH}{end}"


def _calibration(published: Published) -> Picture | None:
    if not published.has_rows("score_outcomes"):
        return None
    rows = published.rows(_CALIBRATION)
    if len(rows) < 2:
        return None
    predicted, observed, low, high = _shares(rows)
    return _picture(
        "calibration",
        f"Calibration, carts of {RECENT_DAYS} days in {len(rows)} parts",
        "Part",
        "part",
        [str(row["bin"]) for row in rows],
        [(str(row["bin"]), row["carts"]) for row in rows],
        predicted,
        observed,
        low,
        high,
        is_calibration=True,
    )


def _shares(rows: list[Row]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Predicted, observed, and the interval of what was observed."""
    carts = np.array([row["carts"] for row in rows])
    not_bought = np.array([row["not_bought"] for row in rows])
    low, high = evaluation.wilson_interval(not_bought, carts)
    return np.array([row["predicted"] for row in rows]), not_bought / carts, low, high


def _picture(
    key: str,
    title: str,
    place: str,
    noun: str,
    labels: list[str],
    places: list[tuple[str, int]],
    predicted: np.ndarray,
    observed: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    *,
    is_calibration: bool = False,
) -> Picture:
    from orchestration.outputs.report import plots

    series = plots.Observed(labels, *map(list, (predicted, observed, low, high)))
    within = int(((predicted >= low) & (predicted <= high)).sum())
    weights = np.array([carts for _, carts in places], dtype=np.float64)
    said = (
        f"Predicted {formats.share(np.average(predicted, weights=weights))}, came"
        f" {formats.share(np.average(observed, weights=weights))} of"
        f" {formats.counted(int(weights.sum()), 'cart')}; the prediction lies within the interval"
        f" in {within} of {formats.counted(len(labels), noun)}."
    )
    draw = plots.calibration if is_calibration else plots.against_outcomes
    return Picture(
        key=key,
        title=title,
        svg=draw(key, series),
        text=said,
        legend=(
            [("square orange", "came, with its interval"), ("dash muted", "as predicted")]
            if is_calibration
            else _LEGEND
        ),
        figures=Table(
            title,
            [place, "Carts#", "Predicted#", "Came#", "Interval of 95 %#"],
            [
                (
                    name,
                    formats.count(carts),
                    formats.share(predicted[n]),
                    formats.share(observed[n]),
                    f"{formats.share(low[n])} to {formats.share(high[n])}",
                )
                for n, (name, carts) in enumerate(places)
            ],
        ),
    )


def _return_curve(published: Published, hour: Hour) -> Picture | None:
    """Shoppers back by hours after the first score of each, in the last fortnight."""
    newest = hour.newest_event
    if newest is None or not published.has_rows("cart_scores", "sessions"):
        return None
    rows = published.rows(_RETURNS, [hour.at, newest])
    hours = np.array([row["hours"] for row in rows])
    is_back = np.array([row["is_back"] for row in rows], dtype=bool)
    known = [each for each in HORIZONS_HOURS if each <= hours.max(initial=0.0)]
    if len(known) < 2 or is_back.sum() < MIN_CARTS:
        return None
    from orchestration.outputs.report import plots

    at = np.array(known, dtype=np.float64)
    away = evaluation.survival_at(*evaluation.kaplan_meier(hours, is_back), at)
    low, high = evaluation.kaplan_meier_interval(hours, is_back, at)
    predicted = np.array([[row[f"p_{each:g}"] for each in known] for row in rows]).mean(axis=0)
    labels = [f"{each:g}" for each in known]
    series = plots.Observed(
        ["0", *labels],
        *(
            [0.0, *(float(each) for each in values)]
            for values in (predicted, 1 - away, 1 - high, 1 - low)
        ),
    )
    last = timedelta(hours=known[-1])
    since = formats.moment(hour.at - timedelta(days=RETURN_DAYS))
    return Picture(
        key="return-curve",
        title="Shoppers back, by hours after their first score",
        svg=plots.return_curve("return-curve", series),
        text=f"Of {len(rows):,} shoppers first scored since {since}, {formats.share(1 - away[-1])}"
        f" were back within {formats.duration(last)}, {formats.share(predicted[-1])} were"
        " expected.",
        legend=[("dash blue", "predicted, mean"), ("line orange", "came, with its band")],
        figures=Table(
            "Shoppers back",
            ["Within hours", "Predicted#", "Came#", "Interval of 95 %#"],
            [
                (
                    labels[n],
                    formats.share(predicted[n]),
                    formats.share(1 - away[n]),
                    f"{formats.share(1 - high[n])} to {formats.share(1 - low[n])}",
                )
                for n in range(len(known))
            ],
            note="Who was not back by the newest event counts as long as that was seen"
            " (Kaplan and Meier).",
        ),
    )
