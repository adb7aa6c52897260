"""What the UI shows of the scores of an hour: whom to contact.

Belongs here: counts and the top of the list, as metadata. Not here: the asset (`assets`).
"""

from datetime import datetime
from typing import Any

import dagster as dg
import polars as pl

from orchestration.outputs.report import formats
from orchestration.outputs.report.formats import NO_BREAK
from orchestration.warehouse.contactable import MAY_BE_CONTACTED

TOP_ROWS = 10


def contacts_metadata(scores: pl.DataFrame, as_of: datetime) -> dict[str, Any]:
    """What the scores of an hour say of whom to contact, of those who may be contacted."""
    contactable = scores.filter(pl.sql_expr(MAY_BE_CONTACTED))
    worth = contactable.filter(pl.col("best_action") != "nothing")
    return {
        "worth_contacting": worth.height,
        "due_now": worth.filter(pl.col("contact_not_before") <= as_of).height,
        "top": _top(contactable),
    }


def _top(scores: pl.DataFrame) -> dg.TableMetadataValue:
    """The carts to contact first, by rank alone: a cart is of a person, and Dagster keeps what it
    is given; in `cart_scores` the rank finds it for as long as it may."""
    rows = scores.sort("priority_rank").head(TOP_ROWS).to_dicts()
    records = [
        dg.TableRecord(
            {
                "rank": row["priority_rank"],
                "cart": f"{formats.money(row['cart_value'], row['currency'])},"
                f" {row['p_abandon']:.0%} not bought",
                "contact": row["best_action"] + _from(row["contact_not_before"]),
                "why": (row["reasons"] or "").split(";")[0],
            }
        )
        for row in rows
    ]
    columns = {
        "rank": "priority_rank in cart_scores; 1 is contacted first",
        "cart": "what is in it, and the chance that it is not bought by itself",
        "contact": "what is expected to gain most, and not before when, UTC",
        "why": "what moved the chance most; more in reasons",
    }
    schema = dg.TableSchema([dg.TableColumn(name, description=d) for name, d in columns.items()])
    return dg.MetadataValue.table(records, schema)


def _from(at: datetime | None) -> str:
    return f", {at:%a}{NO_BREAK}{at:%H:%M}" if at else ""
