"""Expected value on a real log: the orders of CDNOW's customers (Fader and Hardie 2001).

Belongs here: one log, which the package lifetimes brings. Not here: the simulated shop
(test_people_judged_later.py).
"""

from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ml import evaluation
from ml.people import value
from ml.people.windows import windows

from .warehouse import Warehouse

LOG = "datasets/CDNOW_master.txt"
# The log is of 1997 and 1998, and nothing before 2000 is plausible: the same weekdays, later.
LATER = timedelta(weeks=52 * 20)
HOUR = datetime.fromisoformat("1998-01-01T00:00:00+00:00") + LATER
END = datetime.fromisoformat("1998-07-01T00:00:00+00:00") + LATER


def log_of_package() -> Path:
    return Path(find_spec("lifetimes").origin).parent / LOG


def orders(path: Path) -> pl.DataFrame:
    """The lines of the log: customer, day, and what was paid."""
    _, *lines = path.read_text(encoding="ascii").splitlines()
    fields = [line.split() for line in lines if line.strip()]
    frame = pl.DataFrame(
        [(customer, day, float(paid)) for customer, day, _, paid in fields],
        schema=["visitor_id", "day", "order_value"],
        orient="row",
    )
    # lines of one day come a second apart
    noon = pl.col("day").str.to_datetime("%Y%m%d", time_unit="us") + LATER + timedelta(hours=12)
    number = pl.int_range(pl.len()).over("visitor_id", "day")
    return frame.with_columns(ordered_at=noon + number * timedelta(seconds=1))


@pytest.mark.slow
@pytest.mark.heavy
@pytest.mark.timeout(3600)
def test_the_top_fifth_spends_more_than_that_of_last_years_revenue(
    warehouse: Warehouse, tmp_path: Path
):
    log = orders(log_of_package())
    delivered = log.with_row_index("number").select(
        event_id=pl.format("e{}", "number"),
        visitor_id="visitor_id",
        event_at=pl.col("ordered_at").dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        event_type=pl.lit("purchase"),
        order_id=pl.format("o{}", "number"),
        order_value=pl.col("order_value").cast(pl.String),
        currency=pl.lit("USD"),
    )
    delivered.write_parquet(tmp_path / "cdnow.parquet")
    tables = ("training_people", "scoring_people")
    warehouse.build_files(tmp_path, HOUR, tables=tables, landed_at=END)
    training, people = (warehouse.connection.sql(f"from {name}").pl() for name in tables)
    model = value.train(training, as_of=HOUR)
    days = model.card.params["horizon_days"]
    plain = value.LastYear.fit(windows(training, days).known, days)
    begun = HOUR.replace(tzinfo=None)
    within = pl.col("ordered_at").is_between(begun, begun + timedelta(days=days), closed="right")
    spent = (
        log.filter(within).group_by(person_id="visitor_id").agg(amount=pl.col("order_value").sum())
    )
    own = people.join(spent, on="person_id", how="left", maintain_order="left")["amount"]
    came = own.fill_null(0.0).to_numpy()
    fifth, total, rank = {}, {}, {}
    for name, scorer in (("learned", model.predict), ("last year", plain)):
        said = scorer(people)
        gain = evaluation.lift_table(came, said, np.ones(len(came)), [0.2])
        fifth[name], total[name] = gain["captured"][0], said.sum() / came.sum()
        rank[name] = value.rank_correlation(said, came)
        print(
            f"CDNOW, {days} days, {name}: top fifth {fifth[name]:.3f}, rank {rank[name]:.3f},"
            f" total {total[name]:.3f} of {came.sum():,.0f}"
        )
    assert people.height == 23_570
    assert model.card.kind == "poisson"
    assert fifth["learned"] > fifth["last year"]
    assert rank["learned"] > rank["last year"]
