"""Experiments in files for e-mail tools: whose contact is which variant, and what that changes.

Belongs here: when a person enters an experiment, and what an arm changes of the person's row. Not
here: the drawing (`modelling.experiment_arms`), gates, nor what a row looks like (`rows`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import duckdb
import polars as pl

from ml.experiments import Draw
from ml.later import HOUR_US
from orchestration.ground.errors import ComebackError
from orchestration.ground.segments import Segment
from orchestration.ground.settings_experiments import Experiment
from orchestration.modelling import experiment_arms
from orchestration.outputs.exports.gates import ELIGIBLE, FACTS, Policy, gates
from orchestration.outputs.exports.segments import members_of

# The column with what an arm has sent in the place of the plan's action; only experiments add it.
ARM_ACTION = "^arm_action$"


@dataclass
class Variants:
    """The experiments of an hour.

    Attributes:
        experiments: by name.
        draw: how people are drawn; None: nobody new is.
        hour: the hour.
        members: by the name of an experiment that takes segments, their members.
        known: who is in which arm, with the columns of `experiment_arms.ARMS`.
        new: those of them who entered at this hour.
    """

    experiments: Mapping[str, Experiment]
    draw: Draw | None
    hour: datetime
    members: Mapping[str, pl.Series]
    known: pl.DataFrame
    new: list[pl.DataFrame] = field(default_factory=list)

    def with_variants(self, persons: pl.DataFrame, policy: Policy) -> pl.DataFrame:
        """The persons of an export with what their arm changes.

        Whoever every gate lets through, and who is in no experiment, enters one that takes them:
        before their arm is known, so that all arms have people of one kind.

        Args:
            persons: one row a person with `gates.FACTS`, country, p_abandon.
            policy: of the export.

        Returns:
            The persons, contact_not_before as late as their arm has it, with `variant`
            (experiment:arm) and `arm_action`; null: none, as the plan says.
        """
        if not self.experiments:
            return persons
        gate = gates(persons.select(list(FACTS)), policy, self.hour)
        entering = persons.filter(gate == ELIGIBLE).join(self.known, on="person_id", how="anti")
        if self.draw and not entering.is_empty():
            new = experiment_arms.drawn(
                entering, self.experiments, self.members, self.draw, self.hour
            )
            self.new.append(new)
            self.known = pl.concat([self.known, new])
        return persons.join(
            self.known.select("person_id", "experiment", "arm").join(
                self._arms(), on=["experiment", "arm"], how="inner"
            ),
            on="person_id",
            how="left",
            maintain_order="left",
        ).with_columns(
            variant=pl.format("{}:{}", "experiment", "arm"),
            contact_not_before=pl.col("contact_not_before")
            + pl.duration(microseconds=pl.col("delay_us").fill_null(0)),
        )

    def _arms(self) -> pl.DataFrame:
        """What each arm changes."""
        rows = [
            (name, arm, each.action(place), round(each.delay(place) * HOUR_US))
            for name, each in self.experiments.items()
            for place, arm in enumerate(each.arms)
        ]
        schema = {"experiment": pl.String, "arm": pl.String}
        schema |= {"arm_action": pl.String, "delay_us": pl.Int64}
        return pl.DataFrame(rows, schema=schema, orient="row")

    def keep(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Keep who entered at the hour."""
        if self.draw and self.experiments:
            none = self.known.clear()
            experiment_arms.keep(connection, pl.concat([none, *self.new]), self.hour)


def require_segments(
    experiments: Mapping[str, Experiment], known: Mapping[str, Segment], wrong: Sequence[str]
) -> None:
    """Refuse experiments on segments that there are not.

    Args:
        experiments: those of the settings, by name.
        known: all segments of people.
        wrong: names of segments whose files are wrong: they have no members.

    Raises:
        ComebackError: there is one.
    """
    for name, each in experiments.items():
        for segment in each.segments:
            if segment not in {*known, *wrong}:
                raise ComebackError(
                    f"there is no segment '{segment}'",
                    f"[experiments.{name}] segments",
                    f"use one of: {', '.join(sorted(known))}",
                )


def variants_of(
    connection: duckdb.DuckDBPyConnection,
    experiments: Mapping[str, Experiment],
    hour: datetime,
    draw: Draw | None,
) -> Variants:
    """The experiments of an hour.

    Args:
        connection: the open warehouse.
        experiments: those of the settings, by name.
        hour: the scored hour.
        draw: how people are drawn; None where the hour is only written again.
    """
    members = {
        name: members_of(connection, each.segments, hour)["person_id"]
        for name, each in experiments.items()
        if each.segments
    }
    # written again, those of the hour itself stay as they are
    before = hour if draw else datetime.max  # noqa: DTZ901  as all times here
    known = experiment_arms.recorded(connection, experiments, before)
    return Variants(experiments, draw, hour, members, known)
