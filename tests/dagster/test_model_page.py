"""What the UI shows of a model."""

from datetime import datetime
from types import SimpleNamespace

import pytest

from ml.card import ModelCard
from orchestration.dagster import model_page
from orchestration.modelling.model_store import Decision

CARD = ModelCard(
    name="abandonment",
    kind="lightgbm",
    trained_as_of=datetime(2026, 10, 31, 10),
    data_from=None,
    data_to=None,
    row_count=7,
    group_count=3,
    features=(),
    metrics={"auc": 0.81234, "auc_low": 0.79, "auc_high": 0.83, "brier": 0.1, "test_rows": 40.0},
    note="A note.",
    model_id="0123456789ab",
)
DECISION = Decision("0123456789ab", "2026-10-31T10:00:00Z", True, "it is better")


def test_pictures_come_first_then_figures_as_numbers_and_the_rest_in_tables():
    shown = model_page.metadata(CARD, DECISION, {"calibration": b"png"})
    assert [*shown][:4] == ["pictures", "auc", "brier", "figures"]
    assert shown["pictures"].value.startswith("![calibration](data:image/png;base64,")
    assert shown["auc"] == 0.81234
    assert isinstance(shown["auc"], float)
    assert "test_rows" not in shown
    first, second = (each.data for each in shown["figures"].records)
    meaning = model_page.FIGURES["abandonment"]["auc"]
    assert first == {"value": "0.812", "what it is": f"auc (95 %: 0.790 to 0.830): {meaning}"}
    assert second["value"] == "0.100"
    assert second["what it is"].startswith("brier (not measured): ")
    rest = {each.data["figure"]: each.data["value"] for each in shown["all_figures"].records}
    assert rest == {
        "auc": "0.81234",
        "auc_low": "0.79",
        "auc_high": "0.83",
        "brier": "0.1",
        "test_rows": "40",
    }
    assert shown["decision"] == "it is better"


@pytest.mark.parametrize("name", ["abandonment", "return"])
def test_six_figures_matter_of_each_model(name):
    assert len(model_page.FIGURES[name]) == 6


def test_a_page_begins_with_the_pictures_of_the_model_that_serves():
    store = SimpleNamespace(
        champion=lambda *_: CARD.model_id,
        card=lambda *_: CARD,
        pictures=lambda _: {"calibration": b"png", "lift": b"png"},
    )
    text = model_page.description("abandonment", store)
    lines = text.split("\n\n")
    assert lines[0].startswith("The abandonment model that scores come from: the chance that")
    assert lines[1].startswith("![calibration, lift](data:image/svg+xml;base64,")
    assert lines[2].startswith("- auc **0.812** (95 %: 0.790 to 0.830): how well")
    assert "lightgbm, 0123456789ab, learned at 2026-10-31T10:00:00Z" in lines[3]


def test_before_the_first_model_a_page_says_so():
    store = SimpleNamespace(champion=lambda *_: None)
    assert model_page.description("return", store).endswith("None was learned yet.")
