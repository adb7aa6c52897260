"""What is learned of people: buying soon, what they will spend, when they order
next and are there, what they answer, and who is like whom.

What belongs here: the models of people, each with its card and beside the plain answer, and the
scores that an hour makes of them. What does not: where features come from, and who is scored.

Each is learned on older instants and judged on later ones. Where it is no better there than the
plain answer, or where too little is known, the plain answer is served and the card says so.

Imports go one way: ``scores`` -> ``intent``, ``value``, ``next_purchase``, ``send_time``,
``channels``, ``clusters`` -> ``linear``, ``shares``, ``windows`` -> ``features``. Others import
the names below and the modules of the five models.
"""

from ml.people.clusters import ClusterModel
from ml.people.intent import IntentModel
from ml.people.next_purchase import NextPurchaseModel
from ml.people.scores import PersonModels, score
from ml.people.send_time import SendTimeModel
from ml.people.shares import Shares
from ml.people.value import ValueModel

__all__ = [
    "ClusterModel",
    "IntentModel",
    "NextPurchaseModel",
    "PersonModels",
    "SendTimeModel",
    "Shares",
    "ValueModel",
    "score",
]
