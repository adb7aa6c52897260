"""Attributes of people, as the shop knows them, as features.

What belongs here: which attributes become columns, and how. What does not: what was known of whom
when (the warehouse knows), or what is made of the columns (the models).

Both models take numbers only of them: an attribute that is a number everywhere is one column
(``attr_age``), of any other each value that enough visitors share is one (``attr_tier=gold``: 1, or
0 for another value). So a model asks for an attribute by the name of its feature alone.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping

import polars as pl

from ml.features import ATTRIBUTES, MIN_VISITORS_PER_CATEGORY

MAX_VALUES = 16
"""Values of one attribute that become columns, the most common."""

_NAME = re.compile(r"attr_\w{1,50}", re.ASCII)
# Nothing that could be an address, and nothing that LightGBM takes for the syntax of its own file.
_VALUE = re.compile(r"[\w .+-]{1,40}")

Known = Mapping[str, str]


def chosen(frame: pl.DataFrame) -> list[str]:
    """The features that the attributes of a frame give, by name.

    Args:
        frame: visitor_id and, where anything is known of anybody, ``ATTRIBUTES``: JSON by name.
    """
    if ATTRIBUTES not in frame.columns:
        return []
    pairs = frame.select("visitor_id", ATTRIBUTES).drop_nulls().unique()
    known = _parsed(pairs[ATTRIBUTES])
    values: dict[str, dict[str, set[str]]] = {}
    for visitor, text in pairs.iter_rows():
        for name, value in known[text].items():
            values.setdefault(name, {}).setdefault(value, set()).add(visitor)
    features = []
    for name, visitors in sorted(values.items()):
        if all(_number(value) is not None for value in visitors):
            if len(set().union(*visitors.values())) >= MIN_VISITORS_PER_CATEGORY:
                features.append(name)
            continue
        shared = sorted(
            (-len(each), value)
            for value, each in visitors.items()
            if len(each) >= MIN_VISITORS_PER_CATEGORY and _VALUE.fullmatch(value)
        )
        features += sorted(f"{name}={value}" for _, value in shared[:MAX_VALUES])
    return features


def with_features(frame: pl.DataFrame, features: Iterable[str]) -> pl.DataFrame:
    """The frame with those of the features that are of attributes, in the place of ``ATTRIBUTES``.

    Null where nothing is known of the person.

    Args:
        frame: as for ``chosen``.
        features: names of any features; those of attributes are made, others are not looked at.
    """
    wanted = list(dict.fromkeys(each for each in features if each.startswith("attr_")))
    if ATTRIBUTES not in frame.columns:
        return frame.with_columns(pl.lit(None, pl.Float64).alias(each) for each in wanted)
    texts = frame[ATTRIBUTES]
    known = _parsed(texts.drop_nulls().unique())
    return frame.drop(ATTRIBUTES).with_columns(
        texts.replace_strict(
            list(known),
            [_value(each, feature) for each in known.values()],
            default=None,
            return_dtype=pl.Float64,
        ).alias(feature)
        for feature in wanted
    )


def _parsed(texts: pl.Series) -> dict[str, Known]:
    """What each text says, by the names that can be a feature's, in small letters."""
    return {
        text: {
            name.lower(): value.strip()
            for name, value in json.loads(text).items()
            if _NAME.fullmatch(name.lower()) and value and value.strip()
        }
        for text in texts.to_list()
    }


def _value(known: Known, feature: str) -> float | None:
    name, is_one_of, value = feature.partition("=")
    if is_one_of:
        return float(known.get(name) == value)
    return _number(known[name]) if name in known else None


def _number(text: str) -> float | None:
    """The number that a text is, of the size of things that are counted or measured."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and abs(number) < 1e15 else None
