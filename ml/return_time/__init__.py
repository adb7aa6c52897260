"""When a shopper will be back: the survival curve of being away, given the hours already gone.

What belongs here: what is read off sessions (``sessions``), the curve that scores are read from
(``curve``), fitting it with lifelines (``fit``), the other kind of curves, by trees (``hazard``),
which of them serves (``choice``), the metrics of the card (``metrics``) and the model that holds
them together (``model``). What does not: what to do with a return time
(``ml.decision``).

Imports go one way: ``model`` -> ``choice`` -> ``metrics`` -> ``hazard`` -> ``fit`` -> ``curve``,
``sessions``. Others import the names below.
"""

from ml.return_time.metrics import GAP_BEYOND_CHANCE, gap_beyond_chance
from ml.return_time.model import MAX_GAP_OUT_OF_TIME, NAME, ReturnModel, train
from ml.return_time.sessions import known_at, start_of_test

__all__ = [
    "GAP_BEYOND_CHANCE",
    "MAX_GAP_OUT_OF_TIME",
    "NAME",
    "ReturnModel",
    "gap_beyond_chance",
    "known_at",
    "start_of_test",
    "train",
]
