"""The plots that are kept beside a model.

Belongs here: which table of a card is drawn how. Not here: drawing (`ml.plots`).
"""

from collections.abc import Callable
from functools import partial

from ml.card import ModelCard
from ml.people import intent, next_purchase

# What may happen, and the share to which it did, where that is not leaving a cart.
_OUTCOMES = {
    intent.NAME: ("buying within 7 days", "share who bought"),
    next_purchase.NAME: ("buying within 30 days", "share who bought"),
}


def card_plots(card: ModelCard) -> dict[str, bytes]:
    """The plots of a card's tables, as PNG files by name."""
    from ml import plots  # matplotlib is slow to import, and most hours learn nothing

    calibration: Callable[..., bytes] = plots.calibration
    if card.name in _OUTCOMES:
        calibration = partial(plots.calibration, outcome=_OUTCOMES[card.name])
    drawn = {
        "calibration": calibration,
        "lift": plots.lift,
        "gain": plots.gain,
        "return_curve": plots.return_curve,
    }
    return {
        f"{name}.png": plot(card.tables[name])
        for name, plot in drawn.items()
        if card.tables.get(name)
    }
