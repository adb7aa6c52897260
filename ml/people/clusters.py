"""Natural groups of people: k-means, as many groups as BIC says, with ids and names that stay.

What belongs here: grouping people, matching groups with those before, naming them. What does not:
the table of groups (``orchestration``).

A group keeps its id while it is the same: while at least half of the people who are in it or in the
group before are in both. The centres before stay unless others describe people much better.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from ml.card import CARD_FILE, FALLBACK, ModelCard, library_versions, rounded, with_model_id
from ml.people.features import matrix
from ml.people.files import as_floats, as_json

NAME = "clusters"
MODEL_FILE = "clusters.json"
GROUPS = range(3, 9)
MIN_PEOPLE, MIN_KINDS = 200, 20
MAX_PEOPLE = 20_000
SAME_SHARE = 0.5
# Others must be better by this part of what the groups are better than one of all people: else
# people would change groups for nothing.
MINIMUM_GAIN = 0.2
SEED, TRIES = 5, 3
# What a low and a high mean says, in words of the columns.
WORDS = {
    "days_since_seen": ("seen recently", "not seen for long"),
    "session_count_30d": ("few sessions in 30 days", "many sessions in 30 days"),
    "view_count_30d": ("few views in 30 days", "many views in 30 days"),
    "add_count_7d": ("few adds in 7 days", "many adds in 7 days"),
    "order_count": ("few orders", "many orders"),
    "order_value": ("low order value", "high order value"),
}
COLUMNS = tuple(WORDS)
# Whoever was not seen for so long is gone, however long ago: a shop that grows older has no others.
GONE_DAYS = 30.0


@dataclass(frozen=True)
class Groups:
    """Centres of standardised logarithms, with ids and names; none where there are too few people.

    Attributes:
        means: taken off, then
        scales: divided by.
        centres: of each group.
        ids: of each group.
        names: of each group.
        next_id: the first id that no group ever had.
        as_of: the hour of the refit, ISO 8601: the same centres a week later are another model.
    """

    means: tuple[float, ...] = ()
    scales: tuple[float, ...] = ()
    centres: tuple[tuple[float, ...], ...] = ()
    ids: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    next_id: int = 1
    as_of: str = ""

    def places(self, frame: pl.DataFrame) -> np.ndarray:
        """(n,) the place of the nearest centre."""
        standard = (_values(frame) - np.array(self.means)) / np.array(self.scales)
        return _nearest(standard, np.array(self.centres))


@dataclass(frozen=True)
class ClusterModel:
    """A card and the groups."""

    card: ModelCard
    groups: Groups

    def groups_of(self, frame: pl.DataFrame) -> pl.DataFrame:
        """`cluster_id` and `cluster_name` of people, in their order; null where there are none."""
        if not self.groups.centres:
            place = pl.Series([None] * frame.height, dtype=pl.Int64)
        else:
            place = pl.Series(self.groups.places(frame), dtype=pl.Int64)
        ids = pl.Series(self.groups.ids, dtype=pl.Int64)
        names = pl.Series(self.groups.names, dtype=pl.String)
        return pl.DataFrame({"cluster_id": ids.gather(place), "cluster_name": names.gather(place)})

    def to_files(self) -> dict[str, bytes]:
        """The model as named files; ``from_files`` gives back one that says the same."""
        return {MODEL_FILE: as_json(asdict(self.groups)), CARD_FILE: self.card.to_json()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "ClusterModel":
        """The model that ``to_files`` wrote."""
        fields = json.loads(files[MODEL_FILE])
        fields["centres"] = tuple(tuple(each) for each in fields["centres"])
        own = {name: tuple(x) if isinstance(x, list) else x for name, x in fields.items()}
        return cls(ModelCard.from_json(files[CARD_FILE]), Groups(**own))


def train(
    frame: pl.DataFrame, *, as_of: datetime, before: ClusterModel | None = None
) -> ClusterModel:
    """Group the people of an hour.

    Args:
        frame: person_id and the features; one row a person.
        as_of: the hour.
        before: the groups until now.
    """
    frame = frame.sort("person_id")
    # of many every so manieth: whoever they are
    rows = frame.gather_every(max(-(-frame.height // MAX_PEOPLE), 1))
    old = before.groups if before else Groups()
    kinds = rows.select(COLUMNS).n_unique() if rows.height else 0
    if rows.height < MIN_PEOPLE or kinds < MIN_KINDS:
        note = (
            f"No groups: there are {rows.height} people of {kinds} kinds, {MIN_PEOPLE} of"
            f" {MIN_KINDS} are needed."
        )
        return _model(rows, Groups(next_id=old.next_id, as_of=as_of.isoformat()), as_of, {}, note)
    values = _values(rows)
    if old.centres:
        means, scales = np.array(old.means), np.array(old.scales)
    else:
        means, scales = values.mean(axis=0), np.maximum(values.std(axis=0), 1e-9)
    standard = (values - means) / scales
    start = np.array(old.centres) if old.centres else None
    with threadpool_limits(1):  # threads that wait for each other take longer than one
        centres, metrics = _centres(standard, start)
    next_id = old.next_id + len(centres)
    ids = list(range(old.next_id, next_id))
    if start is not None:
        earlier, places = _nearest(standard, start), _nearest(standard, centres)
        ids, next_id = _ids(earlier, places, old, len(centres))
        from sklearn.metrics import adjusted_rand_score

        metrics["stability"] = adjusted_rand_score(earlier, places)
    named = Groups(
        as_floats(means),
        as_floats(scales),
        tuple(as_floats(each) for each in centres),
        tuple(ids),
        _names(centres - standard.mean(axis=0)),
        next_id,
        as_of.isoformat(),
    )
    note = (
        "Groups of people who are alike; nothing is predicted from them. There are as many as the"
        " Bayesian information criterion is lowest for, unless those before do about as well."
    )
    return _model(rows, named, as_of, {"groups": float(len(centres)), **metrics}, note)


def _centres(standard: np.ndarray, start: np.ndarray | None) -> tuple[np.ndarray, dict[str, float]]:
    """The centres of as many groups as the criterion says, and the criterion by their number: those
    before, unless others are much better."""
    # slow to import, and most hours learn nothing
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score

    found = {
        count: KMeans(count, n_init=TRIES, random_state=SEED).fit(standard).cluster_centers_
        for count in GROUPS
        if start is None or count != len(start)
    }
    metrics = {}
    if start is not None:
        moved = KMeans(len(start), init=start, n_init=1).fit(standard).cluster_centers_
        found[len(start)] = moved
        metrics["stability_refitted"] = adjusted_rand_score(
            _nearest(standard, start), _nearest(standard, moved)
        )
    criteria = {count: bic(standard, found[count]) for count in GROUPS}
    metrics |= {f"bic_{count}": value for count, value in criteria.items()}
    best = min(GROUPS, key=lambda count: criteria[count])
    if start is not None:
        kept, one = bic(standard, start), bic(standard, standard.mean(axis=0)[None, :])
        if kept - criteria[best] < MINIMUM_GAIN * (one - kept):
            return start, metrics
    return found[best], metrics


def _values(frame: pl.DataFrame) -> np.ndarray:
    """(n x columns) logarithms."""
    recent = frame.with_columns(pl.col("days_since_seen").clip(upper_bound=GONE_DAYS))
    return matrix(recent, COLUMNS)


def _nearest(standard: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """(n,) the place of the nearest centre; column by column, so that a row alone has the same."""
    distance = np.zeros((len(standard), len(centres)))
    for column in range(standard.shape[1]):
        distance += (standard[:, column, None] - centres[:, column]) ** 2
    return distance.argmin(axis=1)


def bic(values: np.ndarray, centres: np.ndarray) -> float:
    """Bayes' information criterion of groups that are round and equally wide (Pelleg and Moore
    2000)."""
    count, width = values.shape
    nearest = _nearest(values, centres)
    variance = max(((values - centres[nearest]) ** 2).mean(), 1e-12)
    sizes = np.bincount(nearest, minlength=len(centres))
    shares = sizes[sizes > 0] / count
    likelihood = count * (shares @ np.log(shares)) - count * width / 2 * (
        np.log(2 * np.pi * variance) + 1
    )
    return float(-2 * likelihood + len(centres) * (width + 1) * np.log(count))


def _ids(earlier: np.ndarray, places: np.ndarray, old: Groups, count: int) -> tuple[list[int], int]:
    """The id of each group: that of the group before that it is, or one that nobody had."""
    from scipy.optimize import linear_sum_assignment

    both = np.zeros((len(old.centres), count))
    np.add.at(both, (earlier, places), 1)
    either = both.sum(axis=1, keepdims=True) + both.sum(axis=0, keepdims=True) - both
    share = both / np.maximum(either, 1)
    ids, next_id = [0] * count, old.next_id
    for before, now in zip(*linear_sum_assignment(-share), strict=True):
        if share[before, now] >= SAME_SHARE:
            ids[now] = old.ids[before]
    for now in range(count):
        if not ids[now]:
            ids[now], next_id = next_id, next_id + 1
    return ids, next_id


def _names(centres: np.ndarray) -> tuple[str, ...]:
    """What sets each group apart, most first: as many words as tell it from all others."""
    said = []
    for centre in centres:
        order = np.argsort(-np.abs(centre), kind="stable")
        said.append([WORDS[COLUMNS[i]][int(centre[i] > 0)] for i in order])
    for length in range(2, len(COLUMNS) + 1):
        names = [", ".join(words[:length]) for words in said]
        if len(set(names)) == len(names):
            return tuple(names)
    return tuple(f"{name} ({place})" for place, name in enumerate(names, start=1))


def _model(
    rows: pl.DataFrame, groups: Groups, as_of: datetime, metrics: dict[str, float], note: str
) -> ClusterModel:
    card = ModelCard(
        name=NAME,
        kind="kmeans" if groups.centres else FALLBACK,
        trained_as_of=as_of,
        data_from=None,
        data_to=as_of,
        row_count=rows.height,
        group_count=rows.height,
        features=COLUMNS,
        metrics=rounded(metrics),
        params={"same_share": SAME_SHARE, "minimum_gain": MINIMUM_GAIN},
        versions=library_versions("numpy", "polars", "scikit-learn"),
        note=note,
    )
    return ClusterModel(with_model_id(card, {MODEL_FILE: as_json(asdict(groups))}), groups)
