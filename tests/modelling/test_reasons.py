"""Which carts have reasons, where not all can have them."""

from types import SimpleNamespace

import polars as pl
import pytest

from orchestration.modelling import scoring


@pytest.mark.parametrize(
    ("places", "explained"), [(2, ["c", "d"]), (3, ["a", "c", "d"]), (9, ["a", "b", "c", "d"])]
)
def test_carts_of_people_held_out_and_of_bots_have_what_room_the_others_leave(
    monkeypatch, places, explained
):
    decided = pl.DataFrame(
        {
            "cart_id": ["d", "c", "b", "a"],
            "priority_rank": [4, 3, 2, 1],
            "is_holdout": [False, False, True, False],
            "is_suspected_bot": [False, False, False, True],
        }
    )
    model = SimpleNamespace(contributions=lambda top: top, encoding=None)
    monkeypatch.setattr(
        scoring.explain, "reason_codes", lambda top, *_: [f"why {id_}" for id_ in top["cart_id"]]
    )
    found = scoring._with_reasons(decided, model, {}, places)
    assert found["cart_id"].to_list() == ["d", "c", "b", "a"]
    said = dict(found.select("cart_id", "reasons").drop_nulls().rows())
    assert said == {id_: f"why {id_}" for id_ in explained}
