"""What contacts brought, as tables: by the cart's segment and action, and by people's segments.

Belongs here: `campaign_results` and `segment_results`. Not here: whose contact was the first and
what became of it (`contact_effects`), nor the arithmetic (`ml.effects`).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import duckdb
import polars as pl

from ml.economics import Economics
from ml.effects import difference_interval, mean_difference_reach
from orchestration.ground.settings import Settings
from orchestration.ground.sql import transaction
from orchestration.modelling.contact_effects import (
    OUTCOME_DAYS,
    counts,
    first_contacts,
    kept_days,
)
from orchestration.warehouse.contact_tables import CAMPAIGN_RESULTS, SEGMENT_RESULTS
from orchestration.warehouse.database import log_end
from orchestration.warehouse.segment_tables import SEGMENT_HISTORY
from orchestration.warehouse.table import Table

_CENTS = Decimal("0.0001")


def write_results(
    connection: duckdb.DuckDBPyConnection, settings: Settings, as_of: datetime, currency: str | None
) -> pl.DataFrame:
    """Write the tables of results again, as of an hour, and give the rows of campaign_results.

    A week of which contacts may be too old to be kept stays as it was written last.

    Args:
        connection: the open warehouse.
        settings: margin and costs, and how long contacts are kept.
        as_of: the newest scored hour.
        currency: the reporting currency, which sums are in.
    """
    # a plan's time is so long after the contact at most
    lead = timedelta(hours=settings.contacts.timing.cap_hours)
    whole_since = as_of - timedelta(days=kept_days(settings)) + lead
    week = pl.col("send_after").dt.truncate("1w")
    contacts = first_contacts(connection, as_of).filter(week >= whole_since)
    end = log_end(connection, as_of)
    for table, found in (
        (CAMPAIGN_RESULTS, contacts),
        (SEGMENT_RESULTS, _of_members(connection, contacts)),
    ):
        by = table.order
        rows = [*_results(found, by, settings.economics, end, currency)]
        _replace(connection, table, rows, whole_since)
    name, order = CAMPAIGN_RESULTS.name, ", ".join(CAMPAIGN_RESULTS.order)
    return connection.sql(f"from scores.{name} order by {order}").pl()


def _of_members(connection: duckdb.DuckDBPyConnection, contacts: pl.DataFrame) -> pl.DataFrame:
    """The contacts, once for each segment of people that the person was in at the first of them."""
    connection.register("contacts", contacts.drop("segment"))
    found = connection.sql(
        f"""
        select contacts.*, stays.segment
        from contacts
        inner join scores.{SEGMENT_HISTORY.name} as stays
            on
                contacts.person_id = stays.person_id
                and contacts.first_at >= stays.entered_at
                and (contacts.first_at < stays.left_at or stays.left_at is null)
        order by contacts.person_id, contacts.channel, stays.segment
        """
    ).pl()
    connection.unregister("contacts")
    return found


def _replace(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    rows: Sequence[dict[str, object]],
    since: datetime,
) -> None:
    """Replace the rows of weeks since an instant."""
    target = f"scores.{table.name}"
    connection.execute(f"create or replace temp table results as from {target} limit 0")
    table.insert(connection, rows, "results")
    with transaction(connection):
        connection.execute(f"delete from {target} where week >= ?", [since])
        order = ", ".join(table.order)
        connection.execute(f"insert into {target} by name from results order by {order}")
    connection.execute("drop table results")


def _results(
    contacts: pl.DataFrame,
    by: Sequence[str],
    economics: Economics,
    end: datetime | None,
    currency: str | None,
) -> Iterator[dict[str, object]]:
    """The rows of a table of results, one for each value of some columns."""
    week = pl.col("send_after").dt.truncate("1w").alias("week")
    grouped = contacts.filter("is_mature").with_columns(week).group_by(*by, maintain_order=True)
    for key, own in grouped:
        said = dict(zip(by, key, strict=True))
        over = said["week"] + pl.duration(days=7 + OUTCOME_DAYS)
        is_mature = end is not None and pl.select(over <= end).item()
        yield {
            **said,
            "week": said["week"].date(),
            **counts(own),
            **_money(own, economics),
            **_difference(own),
            "reporting_currency": currency,
            "is_mature": is_mature,
        }


def _difference(contacts: pl.DataFrame) -> dict[str, float | None]:
    found = counts(contacts)
    count, other = found["contacted_persons"], found["held_out_persons"]
    if not count or not other:
        return dict.fromkeys(("difference", "difference_low", "difference_high"))
    bought, other_bought = found["contacted_conversions"], found["held_out_conversions"]
    low, high = difference_interval(bought, count, other_bought, other)
    return {
        "difference": bought / count - other_bought / other,
        "difference_low": low,
        "difference_high": high,
    }


def _money(contacts: pl.DataFrame, economics: Economics) -> dict[str, Decimal | None]:
    contacted, held_out = (contacts.filter(is_contacted=is_)["revenue"] for is_ in (True, False))
    of_contacted = contacts.filter("is_contacted")
    # also of those who were held out first and contacted later
    incentives = int(contacts["incentives"].sum())
    reminders = int(contacts["contacts"].sum()) - incentives
    cost = reminders * Decimal(str(economics.reminder_cost))
    cost += incentives * Decimal(str(economics.incentive_cost))
    found: dict[str, Decimal | None] = dict.fromkeys(
        (
            "incremental_revenue",
            "incremental_revenue_low",
            "incremental_revenue_high",
            "incremental_margin",
        )
    )
    found |= {
        "contacted_revenue": _total(contacted),
        "held_out_revenue": _total(held_out),
        "contact_cost": cost.quantize(_CENTS),
    }
    if not (count := contacted.len()) or not (other := held_out.len()):
        return found
    more = _total(contacted) - _total(held_out) * count / other
    discount = Decimal(str(economics.incentive_rate)) * _total(of_contacted["incentive_revenue"])
    margin = Decimal(str(economics.margin_rate)) * more - discount
    found |= {
        "incremental_revenue": more.quantize(_CENTS),
        "incremental_margin": margin.quantize(_CENTS),
    }
    if count > 1 and other > 1:
        variances = (float(each.cast(pl.Float64).var()) for each in (contacted, held_out))
        variance, other_variance = variances
        reach = Decimal(
            str(round(count * mean_difference_reach(variance, count, other_variance, other), 4))
        )
        found |= {
            "incremental_revenue_low": (more - reach).quantize(_CENTS),
            "incremental_revenue_high": (more + reach).quantize(_CENTS),
        }
    return found


def _total(amounts: pl.Series) -> Decimal:
    return sum(amounts.to_list(), Decimal(0))
