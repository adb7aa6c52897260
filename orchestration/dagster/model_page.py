"""What the UI shows of a model: its pictures, the six figures that matter, and the rest as a table.

Belongs here: which figures these are and how a card looks. Not here: measuring (`ml`), keeping
models (`modelling.model_store`).
"""

from collections.abc import Mapping
from itertools import starmap
from typing import Any

import dagster as dg

from ml import abandonment, return_time
from ml.card import ModelCard
from ml.people import clusters, intent, next_purchase, send_time, value
from orchestration.dagster.markdown import markdown_picture, markdown_row_of_pictures
from orchestration.ground.hours import END_OF_TIME, iso
from orchestration.modelling.model_store import Decision, ModelStore

# the UI shows 240 pixels of a description, and lays its [Show more] over the lowest 30
_SIZE = (302, 205)
_ROOM = 30
_PREDICTS = {
    abandonment.NAME: "the chance that an open cart is not bought within the horizon",
    return_time.NAME: "the chance that a shopper is back within some hours, and when",
}
FIGURES = {
    abandonment.NAME: {
        "auc": "how well abandoned carts are ranked above bought ones; 0.5 is chance",
        "brier": "mean squared error of the chance; 0 is best",
        "predicted_over_observed": "carts expected to be abandoned for each that was; 1 is right",
        "base_rate": "share of carts that were abandoned",
        "average_precision_purchase": "precision over the ranking of purchases",
        "lift_at_10_purchase": "purchases among the likeliest tenth, against the average",
    },
    return_time.NAME: {
        "kaplan_meier_gap_24h": "share still away after a day, predicted less observed",
        "kaplan_meier_gap_72h": "the same after three days",
        "kaplan_meier_gap_168h": "the same after a week",
        "brier_24h": "mean squared error of the chance to be away after a day; 0 is best",
        "brier_72h": "the same after three days",
        "brier_168h": "the same after a week",
    },
    intent.NAME: {
        "auc": "how well those who buy are ranked above the others; 0.5 is chance",
        "auc_recency_frequency": "the same by recency and frequency alone, the plain answer",
        "log_loss": "error of the chance; 0 is best",
        "log_loss_recency_frequency": "the same of the plain answer",
        "predicted_over_observed": "buyers expected for each there was; 1 is right",
        "lift_at_10": "buyers among the likeliest tenth, against the average",
    },
    value.NAME: {
        "gain_area": "share of the revenue that came from those expected to spend more; 1 is best",
        "gain_area_last_year": "the same by last year's revenue, the plain answer",
        "top_fifth": "share of the revenue that came from the fifth expected to spend most",
        "top_fifth_last_year": "the same by the plain answer",
        "predicted_over_observed": "revenue expected for what there was; 1 is right",
        "predicted_over_observed_last_year": "the same of the plain answer",
    },
    next_purchase.NAME: {
        "auc": "how well those who buy within 30 days are ranked above the others",
        "log_loss": "error of the chance to buy within 30 days; 0 is best",
        "log_loss_shop": "the same by the shop's average, the plain answer",
        "brier": "mean squared error of the chance; 0 is best",
        "brier_shop": "the same of the plain answer",
        "predicted_over_observed": "buyers expected for each there was; 1 is right",
    },
    send_time.NAME: {
        "hits_hour": "share of later visits in the hours that were expected",
        "hits_hour_shop": "the same by the shop's best hour, the plain answer",
        "hits_weekday": "share of later visits on the weekdays that were expected",
        "hits_weekday_shop": "the same by the shop's best weekday, the plain answer",
    },
    clusters.NAME: {
        "groups": "how many groups there are",
        "stability": "adjusted Rand index with the groups before; 1: nobody moved",
        "stability_refitted": "the same had their centres followed the people",
    },
}


def metadata(
    card: ModelCard, decision: Decision | None, pictures: Mapping[str, bytes]
) -> dict[str, Any]:
    """A card as metadata; numbers are numbers, so that the UI plots them over time."""
    chosen = FIGURES[card.name]
    return {
        "pictures": dg.MetadataValue.md(
            "\n\n".join(starmap(markdown_picture, pictures.items())) or "It has none."
        ),
        **{name: card.metrics[name] for name in chosen if name in card.metrics},
        "figures": dg.MetadataValue.table(
            [
                dg.TableRecord(
                    {
                        "value": f"{card.metrics[name]:.3f}",
                        # in one cell, whose words break: the UI cuts off what is wide
                        "what it is": f"{name} ({_interval(card.metrics, name)}): {meaning}",
                    }
                )
                for name, meaning in chosen.items()
                if name in card.metrics
            ],
            _schema("value", "what it is"),
        ),
        "model_id": card.model_id,
        "kind": card.kind,
        "decision": decision.reason if decision else "kept; nothing was learned",
        "trained_as_of": iso(card.trained_as_of),
        "rows": card.row_count,
        "note": card.note,
        "all_figures": dg.MetadataValue.table(
            [dg.TableRecord({"figure": n, "value": f"{x:.6g}"}) for n, x in card.metrics.items()],
            _schema("figure", "value"),
        ),
    }


def description(name: str, model_store: ModelStore) -> str:
    """What stands at the top of a model's page: the pictures of the one that serves now."""
    first = f"The {name} model that scores come from: {_PREDICTS[name]}."
    model_id = model_store.champion(name, END_OF_TIME)
    card = model_id and model_store.card(name, model_id)
    if not card:
        return f"{first} None was learned yet."
    learned = f"{card.kind}, {card.model_id}, learned at {iso(card.trained_as_of)}"
    lines = [
        f"- {figure} **{card.metrics[figure]:.3f}** ({_interval(card.metrics, figure)}): {meaning}"
        for figure, meaning in FIGURES[name].items()
        if figure in card.metrics
    ]
    return "\n\n".join(
        [
            first,
            markdown_row_of_pictures(model_store.pictures(card), *_SIZE, _ROOM),
            "\n".join(lines),
            f"As of when this UI was loaded ({learned}); below is what each run added."
            " *Reload definitions* brings the newest.",
        ]
    )


def _interval(metrics: Mapping[str, float], name: str) -> str:
    low, high = metrics.get(f"{name}_low"), metrics.get(f"{name}_high")
    return "not measured" if low is None or high is None else f"95 %: {low:.3f} to {high:.3f}"


def _schema(*columns: str) -> dg.TableSchema:
    return dg.TableSchema([dg.TableColumn(name) for name in columns])
