"""What the arms of experiments brought: `scores.experiment_results`.

Belongs here: the persons of each arm with what became of them, and the rows. Not here: who is in
which arm (`experiment_arms`), nor the arithmetic (`ml.experiments`).

Everybody counts in the arm that was drawn, whether the contact was sent or not: who is contacted
later is contacted less often, and leaving out the others would compare other people.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal

import duckdb
import polars as pl

from ml.experiments import compare, persons_needed
from orchestration.ground.rule_macros import user_as_visitor
from orchestration.ground.settings import Settings
from orchestration.ground.settings_experiments import Experiment
from orchestration.ground.sql import transaction
from orchestration.modelling.contact_effects import OUTCOME_DAYS
from orchestration.warehouse.contact_tables import CONTACT_LOG
from orchestration.warehouse.database import log_end
from orchestration.warehouse.experiment_tables import EXPERIMENT_ARMS, EXPERIMENT_RESULTS

_ARMS, _RESULTS = f"scores.{EXPERIMENT_ARMS.name}", f"scores.{EXPERIMENT_RESULTS.name}"


def write_results(
    connection: duckdb.DuckDBPyConnection, settings: Settings, as_of: datetime, currency: str | None
) -> list[dict[str, object]]:
    """Write the rows of all experiments in the settings again, as of an hour; give them.

    Args:
        connection: the open warehouse.
        settings: the experiments.
        as_of: the newest scored hour.
        currency: the reporting currency, which revenue is in.
    """
    if not settings.experiments:
        return []
    persons = _persons(connection, as_of)
    rows = [
        row | {"experiment": name, "reporting_currency": currency, "judged_at": as_of}
        for name, experiment in sorted(settings.experiments.items())
        for row in _rows(experiment, persons.filter(experiment=name))
    ]
    with transaction(connection):
        connection.execute(
            f"delete from {_RESULTS} where list_contains(?, experiment)",
            [sorted(settings.experiments)],
        )
        EXPERIMENT_RESULTS.insert(connection, rows)
    return rows


def _persons(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> pl.DataFrame:
    """experiment, person_id, arm, p_abandon, is_mature, is_contacted, is_converted and revenue of
    whoever was assigned up to an hour."""
    end = log_end(connection, as_of)
    return connection.sql(
        f"""
        with assigned as (
            select * from {_ARMS} where assigned_at <= $as_of
            qualify row_number() over (partition by experiment, person_id order by assigned_at) = 1
        ),
        bought as (
            select experiment, person_id, sum(order_value_base) as revenue
            from assigned
            inner join main.orders as orders
                on assigned.person_id = {user_as_visitor("orders.owner_id")}
            where
                ordered_at > assigned_at
                and ordered_at <= assigned_at + to_days({OUTCOME_DAYS})
                and ordered_at <= $as_of
            group by all
        ),
        contacted as (
            select distinct experiment, assigned.person_id
            from assigned
            inner join scores.{CONTACT_LOG.name} as log on assigned.person_id = log.person_id
            where
                exported_at >= assigned_at
                and exported_at <= assigned_at + to_days({OUTCOME_DAYS})
                and exported_at <= $as_of
        )
        select
            assigned.experiment,
            assigned.person_id,
            arm,
            p_abandon,
            coalesce(assigned_at + to_days({OUTCOME_DAYS}) <= $end, false) as is_mature,
            contacted.person_id is not null as is_contacted,
            bought.person_id is not null as is_converted,
            cast(coalesce(revenue, 0) as decimal(38, 4)) as revenue
        from assigned
        left join bought using (experiment, person_id)
        left join contacted using (experiment, person_id)
        order by assigned.experiment, assigned.person_id
        """,
        params={"as_of": as_of, "end": end},
    ).pl()


def _rows(experiment: Experiment, persons: pl.DataFrame) -> Iterator[dict[str, object]]:
    planned = _planned(experiment, persons)
    by_arm = {arm: _counted(persons.filter(arm=arm)) for arm in experiment.arms}
    control = by_arm[experiment.arms[0]]
    for place, arm in enumerate(experiment.arms):
        own = by_arm[arm]
        needed = planned[place] if planned else None
        # of no outcome: a bound that was chosen by what was seen would not hold
        both = planned[0] + planned[place] if planned else own["persons"] + control["persons"]
        found = None
        if place:
            found = compare(
                own["conversions"],
                own["persons"],
                control["conversions"],
                control["persons"],
                max(both, 1),
                comparisons=len(experiment.arms) - 1,
            )
        is_complete = bool(planned) and all(
            counted["persons"] >= least
            for counted, least in ((own, planned[place]), (control, planned[0]))
        )
        yield {
            **own,
            "arm": arm,
            "is_control": not place,
            "difference": found and found.difference,
            "difference_low": found and found.low,
            "difference_high": found and found.high,
            "always_low": found and found.always_low,
            "always_high": found and found.always_high,
            "planned_persons": needed,
            "reading": "control"
            if not place
            else "decided"
            if found and found.is_decided
            else "complete"
            if is_complete
            else "too_early",
        }


def _counted(persons: pl.DataFrame) -> Mapping[str, int | float | Decimal | None]:
    mature = persons.filter("is_mature")
    conversions = int(mature["is_converted"].sum())
    return {
        "assigned_persons": persons.height,
        "persons": mature.height,
        "contacted_persons": int(mature["is_contacted"].sum()),
        "conversions": conversions,
        "revenue": sum(mature["revenue"].to_list(), Decimal(0)),
        "conversion_rate": conversions / mature.height if mature.height else None,
    }


def _planned(experiment: Experiment, persons: pl.DataFrame) -> list[int] | None:
    """Persons that each arm needs; None where nobody is assigned, or no share can differ so much.

    Of the control so many that each comparison has enough.
    """
    p_abandon = persons["p_abandon"].mean()
    if p_abandon is None:
        return None
    expected, weights = 1.0 - p_abandon, experiment.weights
    if expected + experiment.least_effect > 1:
        return None
    control = max(
        persons_needed(
            expected, experiment.least_effect, weight / weights[0], comparisons=len(weights) - 1
        )
        for weight in weights[1:]
    )
    return [max(1, round(control * weight / weights[0])) for weight in weights]
