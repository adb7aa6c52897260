"""At which hour and on which weekday a person is there: the own habit, drawn to people alike.

What belongs here: learning, judging and predicting it. What does not: whether somebody may be
contacted then (``ml.contact_timing``).

A person's visits and opened e-mails are counted by local hour, neighbours of an hour by half, and
by weekday. People alike, by their kind of device, count as so many visits more as fits what came
later. The plain answer is the busiest hour and weekday of the shop. What is learned is used where,
later, more happens at it than chance has it (for the hour, from one before to one after it); each
clock by itself.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

import numpy as np
import polars as pl

from ml.card import CARD_FILE, FALLBACK, ModelCard, library_versions, rounded, with_model_id
from ml.people.files import as_floats, as_json
from ml.people.windows import MIN_PEOPLE

NAME = "send_time"
MODEL_FILE = "send_time.json"
HOUR, WEEKDAY = "hour", "weekday"
SIZES = {HOUR: 24, WEEKDAY: 7}
# How many visits people alike may count as.
STRENGTHS = (1.0, 3.0, 10.0, 30.0, 100.0)
# As many visits the shop counts as in the habit of people alike.
SHRINKAGE_VISITS = 100.0
# By how many standard errors of the difference the own has to be better.
SURE_ERRORS = 2.0
OLD, MIDDLE, NEW = 0, 1, 2


@dataclass(frozen=True)
class Habits:
    """Of one clock: what is usual, and how much it counts.

    Attributes:
        clock: "hour" or "weekday".
        strength: how many visits people alike count as; 0 where the shop's best is served to all.
        shop: the shares of the shop.
        alike: by kind of device, the shares of its people.
    """

    clock: str
    strength: float
    shop: tuple[float, ...]
    alike: tuple[tuple[str, tuple[float, ...]], ...]

    @classmethod
    def fit(cls, activity: pl.DataFrame, clock: str, strength: float) -> "Habits":
        """The habits of some activity."""
        size = SIZES[clock]
        total = _counts(activity.with_columns(row=pl.lit(0)), clock, 1)[0]
        shop = (total + 1 / size) / (total.sum() + 1)
        devices = activity["device_type"].drop_nulls().unique().sort().to_list()
        alike = []
        for device in devices:
            own = activity.filter(pl.col("device_type") == device).with_columns(row=pl.lit(0))
            count = _counts(own, clock, 1)[0]
            shares = (count + SHRINKAGE_VISITS * shop) / (count.sum() + SHRINKAGE_VISITS)
            alike.append((device, as_floats(shares)))
        return cls(clock, strength, as_floats(shop), tuple(alike))

    def best(self, people: pl.Series, activity: pl.DataFrame | None) -> np.ndarray:
        """(n,) the best of each person, from 0; of equals the first.

        Args:
            people: n ids, each once.
            activity: what is known of them; may be None where the shop's best is served.
        """
        if not self.strength:
            best = _near(np.array(self.shop)[None, :], self.clock).argmax()
            return np.full(len(people), best)
        rows = pl.DataFrame({"person_id": people}).with_row_index("row")
        known = activity.join(rows, on="person_id", how="inner")
        counts = _counts(known, self.clock, len(people))
        usual = np.tile(np.array(self.shop), (len(people), 1))
        devices = known.select("row", "device_type").unique()
        for device, shares in self.alike:
            own = devices.filter(pl.col("device_type") == device)["row"].to_numpy()
            usual[own] = shares
        return _near(counts + self.strength * usual, self.clock).argmax(axis=1)


@dataclass(frozen=True)
class SendTimeModel:
    """A card and the habits of both clocks."""

    card: ModelCard
    hours: Habits
    weekdays: Habits

    @property
    def is_of_the_shop(self) -> bool:
        """Whether everybody has the same."""
        return not (self.hours.strength or self.weekdays.strength)

    def best(self, people: pl.Series, activity: pl.DataFrame | None) -> pl.DataFrame:
        """`best_send_hour` (0-23) and `best_send_weekday` (1 for Monday) of people, in their order;
        null while nothing is known."""
        is_known = self.card.row_count > 0
        columns = {
            "best_send_hour": self.hours.best(people, activity),
            "best_send_weekday": self.weekdays.best(people, activity) + 1,
        }
        if not is_known:
            columns = dict.fromkeys(columns, [None] * len(people))
        return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Int64))

    def to_files(self) -> dict[str, bytes]:
        """The model as named files; ``from_files`` gives back one that predicts the same."""
        return {MODEL_FILE: _json(self.hours, self.weekdays), CARD_FILE: self.card.to_json()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "SendTimeModel":
        """The model that ``to_files`` wrote."""
        fields = json.loads(files[MODEL_FILE])
        habits = [
            Habits(
                each["clock"],
                each["strength"],
                tuple(each["shop"]),
                tuple((device, tuple(shares)) for device, shares in each["alike"]),
            )
            for each in (fields[HOUR], fields[WEEKDAY])
        ]
        return cls(ModelCard.from_json(files[CARD_FILE]), *habits)


def train(activity: pl.DataFrame, *, as_of: datetime) -> SendTimeModel:
    """Learn from what people did.

    Args:
        activity: person_id, device_type, hour (0-23), weekday (1-7), period (0 old, 1 between, 2
            newest, null not to judge by), count: visits and opened e-mails.
        as_of: the hour that it is learned at.
    """
    activity = activity.sort("person_id", HOUR, WEEKDAY, "period")
    metrics: dict[str, float] = {}
    strengths = {}
    later = _of_both(activity, NEW)
    people = later["person_id"].n_unique()
    shortfall = ""
    if people < MIN_PEOPLE:
        shortfall = (
            f"{people} people were there before and in the newest weeks, {MIN_PEOPLE} are needed."
        )
    for clock in SIZES:
        strengths[clock] = 0.0
        if shortfall:
            continue
        strength = _best_strength(activity, clock)
        before = activity.filter(pl.col("period") != NEW)
        learned = _hits(Habits.fit(before, clock, strength), before, later)
        plain = _hits(Habits.fit(before, clock, 0.0), before, later)
        metrics |= {f"hits_{clock}": learned.mean(), f"hits_{clock}_shop": plain.mean()}
        metrics[f"strength_{clock}"] = strength
        more = learned - plain
        if more.mean() > SURE_ERRORS * more.std() / np.sqrt(len(more)):
            strengths[clock] = strength
    hours, weekdays = (Habits.fit(activity, clock, strengths[clock]) for clock in SIZES)
    plain_of = [name for name, strength in strengths.items() if not strength]
    note = "Local by the shop's time zone. "
    if shortfall:
        note += f"The shop's busiest hour and weekday for all: {shortfall}"
    elif plain_of:
        clocks = " and ".join(plain_of)
        note += f"The shop's best {clocks} for all: the own was not surely better later."
    note += " Figures are shares of the newest visits that met it." if metrics else ""
    card = ModelCard(
        name=NAME,
        kind=FALLBACK if len(plain_of) == len(SIZES) else "habits",
        trained_as_of=as_of,
        data_from=None,
        data_to=as_of,
        row_count=int(activity["count"].sum()),
        group_count=activity["person_id"].n_unique(),
        features=(HOUR, WEEKDAY, "device_type"),
        metrics=rounded({**metrics, "test_people": people}),
        params={"shrinkage_visits": SHRINKAGE_VISITS},
        versions=library_versions("numpy", "polars"),
        note=note.strip(),
    )
    files = {MODEL_FILE: _json(hours, weekdays)}
    return SendTimeModel(with_model_id(card, files), hours, weekdays)


def _best_strength(activity: pl.DataFrame, clock: str) -> float:
    """The strength that meets most of what came between, of what was known before it."""
    old = activity.filter(pl.col("period") == OLD)
    between = _of_both(activity.filter(pl.col("period") != NEW), MIDDLE)
    if between.is_empty():
        return STRENGTHS[len(STRENGTHS) // 2]
    return max(STRENGTHS, key=lambda each: _hits(Habits.fit(old, clock, each), old, between).mean())


def _of_both(activity: pl.DataFrame, period: int) -> pl.DataFrame:
    """What people did in a period who were there before it, too."""
    before = activity.filter(pl.col("period") < period)["person_id"].unique()
    return activity.filter(
        (pl.col("period") == period) & pl.col("person_id").is_in(before.implode())
    )


def _hits(habits: Habits, before: pl.DataFrame, later: pl.DataFrame) -> np.ndarray:
    """Of each person the share of what they did later that met their best."""
    people = later["person_id"].unique().sort()
    best = habits.best(people, before)
    rows = pl.DataFrame({"person_id": people}).with_row_index("row")
    counts = _counts(later.join(rows, on="person_id"), habits.clock, len(people))
    if habits.clock == HOUR:
        counts = counts + np.roll(counts, 1, axis=1) + np.roll(counts, -1, axis=1)
    met = counts[np.arange(len(people)), best]
    each = later.join(rows, on="person_id").group_by("row").agg(pl.col("count").sum()).sort("row")
    return met / each["count"].to_numpy()


def _counts(activity: pl.DataFrame, clock: str, people: int) -> np.ndarray:
    """(people x size) how often, of rows that have a place in `row`."""
    size = SIZES[clock]
    at = activity[clock].to_numpy() - (1 if clock == WEEKDAY else 0)
    cell = activity["row"].to_numpy().astype(np.int64) * size + at
    weights = activity["count"].to_numpy().astype(np.float64)
    return np.bincount(cell, weights=weights, minlength=people * size).reshape(people, size)


def _near(shares: np.ndarray, clock: str) -> np.ndarray:
    """For hours, each with half of its neighbours."""
    if clock != HOUR:
        return shares
    return shares + (np.roll(shares, 1, axis=1) + np.roll(shares, -1, axis=1)) / 2


def _json(hours: Habits, weekdays: Habits) -> bytes:
    fields = {HOUR: asdict(hours), WEEKDAY: asdict(weekdays)}
    return as_json(fields)
