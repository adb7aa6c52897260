import json

import polars as pl
import pytest

from ml.abandonment import AbandonmentModel
from tests.ml.training import train_abandonment as train


def test_the_fallback_is_the_abandoned_share_by_idle_time_drawn_to_the_common_one(snapshots):
    rows = snapshots.filter(pl.col("cart_id") < "c00100", pl.col("idle_hours") == 24).with_columns(
        converts_within_horizon=pl.int_range(pl.len()) % 4 == 0
    )
    model = train(rows)
    carts = rows.height
    abandoned = rows.filter(~pl.col("converts_within_horizon")).height
    common = (abandoned + 0.8) / (carts + 1)
    expected = (abandoned + 20 * common) / (carts + 20)
    assert model.predict(rows[:2]) == pytest.approx([expected, expected])
    fresh = rows[:1].with_columns(as_of=pl.col("last_touched_at"))
    assert model.predict(fresh) == pytest.approx([common])  # no cart seen at that age
    assert model.contributions(rows).tolist() == [[0.0] * 4] * carts
    loaded = AbandonmentModel.from_files(model.to_files())
    assert loaded.predict(rows).tobytes() == model.predict(rows).tobytes()


def test_without_any_row_the_prior_is_stated_and_used(snapshots):
    model = train(snapshots.clear())
    assert model.card.params["prior_rate"] == 0.8
    assert model.predict(snapshots.head(2)).tolist() == pytest.approx([0.8, 0.8])
    assert json.loads(model.to_files()["card.json"])["data_from"] is None
