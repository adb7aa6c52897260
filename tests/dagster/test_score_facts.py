"""What the UI shows of an hour's scores: who may not be contacted is no work to be done."""

from datetime import datetime, timedelta
from decimal import Decimal

import polars as pl

from orchestration.dagster.score_facts import contacts_metadata
from orchestration.outputs.report.formats import NO_BREAK

HOUR = datetime(2026, 3, 2, 10)


def test_people_held_out_and_bots_are_neither_counted_nor_on_top():
    kinds = [(False, True), (True, False), (False, False), (False, None), (False, False)]
    scores = pl.DataFrame(
        {
            "priority_rank": [1, 2, 3, 4, 5],
            "is_holdout": [held_out for held_out, _ in kinds],
            "is_suspected_bot": [bot for _, bot in kinds],
            "best_action": ["reminder"] * 4 + ["nothing"],
            "contact_not_before": [HOUR] * 3 + [HOUR + timedelta(hours=1), None],
            "cart_value": [Decimal("10")] * 5,
            "currency": ["EUR"] * 5,
            "p_abandon": [0.5] * 5,
            "reasons": [None] * 5,
        }
    )
    found = contacts_metadata(scores, HOUR)
    assert (found["worth_contacting"], found["due_now"]) == (2, 1)
    assert [each.data["rank"] for each in found["top"].records] == [3, 4, 5]
    first, *_, last = (each.data for each in found["top"].records)
    assert first["cart"].replace(NO_BREAK, " ") == "EUR 10.00, 50% not bought"
    assert first["contact"].replace(NO_BREAK, " ") == "reminder, Mon 10:00"
    assert last["contact"] == "nothing"
