import json
from datetime import datetime
from hashlib import sha256

import pytest

from ml.card import ModelCard, model_id, rounded, with_model_id

CARD = ModelCard(
    name="abandonment",
    kind="lightgbm",
    trained_as_of=datetime.fromisoformat("2026-03-06T12:00"),
    data_from=datetime.fromisoformat("2026-01-01T00:00:00.000001"),
    data_to=None,
    row_count=3,
    group_count=2,
    features=("idle_hours",),
    metrics={"auc": 0.8},
    tables={"lift": [{"share": 0.1}]},
)


def test_a_card_survives_its_json_and_its_keys_are_sorted():
    text = CARD.to_json()
    assert ModelCard.from_json(text) == CARD
    keys = list(json.loads(text))
    assert keys == sorted(keys)
    assert json.loads(text)["trained_as_of"] == "2026-03-06T12:00:00"


def test_metrics_keep_the_key_that_saved_cards_and_the_published_table_have():
    fields = json.loads(CARD.to_json())
    assert fields["figures"] == {"auc": 0.8}
    assert "metrics" not in fields
    del fields["figures"]
    assert ModelCard.from_json(json.dumps(fields).encode()).metrics == {}


def test_the_name_comes_from_the_files_and_not_from_the_card():
    files = {"b.json": b"{}", "a.txt": b"trees"}
    expected = sha256(b"a.txt\0005\0trees" + b"b.json\0002\0{}").hexdigest()[:12]
    assert model_id(files) == expected
    assert model_id(files | {"card.json": b"anything"}) == expected
    assert with_model_id(CARD, files).model_id == expected
    assert model_id({"a.txt": b"trees{}", "b.json": b""}) != expected


def test_metrics_that_could_not_be_measured_are_left_out():
    metrics = {"auc": float("nan"), "brier": 0.12345678, "rows": 3, "loss": float("inf")}
    assert rounded(metrics) == {"brier": 0.123457, "rows": 3.0}


def test_a_card_holds_plain_values_only():
    with pytest.raises(TypeError, match="a model card cannot hold"):
        with_model_id(CARD, {}).__class__(**(vars(CARD) | {"params": {"x": {1, 2}}})).to_json()
