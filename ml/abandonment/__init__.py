"""The probability that an open cart is not bought within the horizon.

What belongs here: learning it from snapshots (``model``), the two kinds of model (``trees``, and
``idle_rates`` as the fallback for when there is too little to learn from), what is read off
snapshots (``snapshots``) and the metrics of the card (``metrics``). What does not: computing
snapshots (SQL) or acting on scores (``ml.decision``).

Imports go one way: ``model`` -> ``trees``, ``idle_rates``, ``metrics`` -> ``snapshots``. Others
import the names below.
"""

from ml.abandonment.idle_rates import IDLE_EDGES_HOURS
from ml.abandonment.model import NAME, AbandonmentModel, train
from ml.abandonment.snapshots import LABEL, abandoned, idle_hours, matured
from ml.abandonment.trees import Params

__all__ = [
    "IDLE_EDGES_HOURS",
    "LABEL",
    "NAME",
    "AbandonmentModel",
    "Params",
    "abandoned",
    "idle_hours",
    "matured",
    "train",
]
