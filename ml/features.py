"""Which columns of a frame are features, and how they become numbers.

What belongs here: the names of keys and labels, and the encoding that is fitted with a model and
saved beside it. What does not: how a feature is computed (SQL does that) or used (the models do).
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
import polars as pl

# What is known of the person behind a row, as JSON, before features are made of it.
ATTRIBUTES = "attributes"
SNAPSHOT_KEYS = (
    "cart_id",
    "visitor_id",
    "owner_id",
    "as_of",
    "last_touched_at",
    "session_ended_at",
    "calendar_country",
    "cart_value",
    "currency",
    "cart_value_base",
    "is_rate_lacking",
    "is_suspected_bot",
)
CONVERTS = "converts_within_horizon"
SNAPSHOT_LABELS = (CONVERTS,)
RETURN_KEYS = ("session_id", "cart_id", "visitor_id", "owner_id", "ended_at", "elapsed_hours")
RETURN_LABELS = ("duration_hours", "is_returned")

# Before the id of an account, so that no visitor's id is taken for it.
USER_PREFIX = "user:"

# A category is kept if this many visitors share it: rarer ones do not generalise, and a value that
# belongs to one person must not remain in a model after that person was erased.
MIN_VISITORS_PER_CATEGORY = 20
MAX_CATEGORIES = 64


class FeatureError(ValueError):
    """A frame does not hold the columns, or not of the kind, that a model needs."""


def feature_columns(frame: pl.DataFrame) -> list[str]:
    """Every column that is neither a key nor a label, in the order of the frame."""
    known = {*SNAPSHOT_KEYS, *SNAPSHOT_LABELS, *RETURN_KEYS, *RETURN_LABELS, ATTRIBUTES}
    return [name for name in frame.columns if name not in known]


def person_id() -> pl.Expr:
    """The id of the person behind a row, by which persons are counted, remembered and exported."""
    return pl.coalesce(USER_PREFIX + pl.col("owner_id"), "visitor_id")


def numeric_matrix(frame: pl.DataFrame, features: Iterable[str]) -> np.ndarray:
    """The features as an (n x features) array of doubles, null as NaN.

    Raises:
        FeatureError: if a feature is missing or not numeric.
    """
    features = list(features)
    if not features:
        return np.empty((frame.height, 0))
    schema = frame.schema
    return frame.select(_numeric(schema, name) for name in features).to_numpy()


@dataclass(frozen=True)
class Encoding:
    """How the features of one model become numbers; fitted on its training rows.

    Attributes:
        features: the columns, in the order of the matrix.
        categories: for each categorical feature the known values; the code is the position.
        medians: for each numeric feature the median of its known values.
        minima: for each numeric feature the smallest known value.
    """

    features: tuple[str, ...]
    categories: dict[str, tuple[str, ...]]
    medians: dict[str, float]
    minima: dict[str, float]

    @classmethod
    def fit(cls, frame: pl.DataFrame) -> "Encoding":
        """The encoding of all feature columns of ``frame``.

        Raises:
            FeatureError: if a feature is neither numeric nor text.
        """
        features = feature_columns(frame)
        schema = frame.schema
        categorical = [name for name in features if schema[name] == pl.String]
        numeric = [name for name in features if name not in categorical]
        columns = frame.select(_numeric(schema, name) for name in numeric)
        medians = columns.median().row(0) if numeric else ()
        minima = columns.min().row(0) if numeric else ()
        return cls(
            features=tuple(features),
            categories={name: _common_values(frame, name) for name in categorical},
            medians=_known(numeric, medians),
            minima=_known(numeric, minima),
        )

    @property
    def categorical_positions(self) -> list[int]:
        """The columns of the matrix that hold categorical features."""
        return [i for i, name in enumerate(self.features) if name in self.categories]

    def matrix(self, frame: pl.DataFrame) -> np.ndarray:
        """The features as an (n x features) array of doubles; null and unknown values as NaN.

        Raises:
            FeatureError: if a feature is missing or of another kind than it was in training.
        """
        if not self.features:
            return np.empty((frame.height, 0))
        # a frame makes its schema each time it is asked
        schema = frame.schema
        return frame.select(
            _codes(schema, name, self.categories[name])
            if name in self.categories
            else _numeric(schema, name)
            for name in self.features
        ).to_numpy()

    def to_json(self) -> bytes:
        """The encoding as JSON with sorted keys."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False, indent=1).encode()

    @classmethod
    def from_json(cls, text: bytes) -> "Encoding":
        """The encoding that ``to_json`` wrote."""
        fields = json.loads(text)
        fields["features"] = tuple(fields["features"])
        fields["categories"] = {k: tuple(v) for k, v in fields["categories"].items()}
        return cls(**fields)


def _known(names: list[str], values: tuple[float | None, ...]) -> dict[str, float]:
    return {name: value for name, value in zip(names, values, strict=True) if value is not None}


def _common_values(frame: pl.DataFrame, name: str) -> tuple[str, ...]:
    shared = (
        frame.filter(pl.col(name).is_not_null())
        .group_by(name)
        .agg(visitors=pl.col("visitor_id").n_unique())
        .filter(pl.col("visitors") >= MIN_VISITORS_PER_CATEGORY)
        .sort("visitors", name, descending=[True, False])
        .head(MAX_CATEGORIES)
    )
    return tuple(sorted(shared[name].to_list()))


def _dtype(schema: pl.Schema, name: str) -> pl.DataType:
    if name not in schema:
        raise FeatureError(f"the frame has no column {name!r}, which the model was trained on")
    return schema[name]


def _numeric(schema: pl.Schema, name: str) -> pl.Expr:
    dtype = _dtype(schema, name)
    if not (dtype.is_numeric() or dtype in (pl.Boolean, pl.Null)):
        raise FeatureError(f"feature {name!r} is {dtype}, a numeric column is needed")
    return pl.col(name).cast(pl.Float64)


def _codes(schema: pl.Schema, name: str, values: tuple[str, ...]) -> pl.Expr:
    dtype = _dtype(schema, name)
    if dtype not in (pl.String, pl.Null):
        raise FeatureError(f"feature {name!r} is {dtype}, a text column is needed")
    codes = [float(code) for code in range(len(values))]
    return (
        pl.col(name)
        .cast(pl.String)
        .replace_strict(list(values), codes, default=None, return_dtype=pl.Float64)
    )
