"""Money that is in no sum because a rate of exchange is lacking, in sentences.

Belongs here: what is said of the table `amounts_without_rate`. Not here: what is in it; dbt decides
that (models/money/amounts_without_rate.sql).
"""

import duckdb

from orchestration.warehouse.database import has_table
from orchestration.warehouse.score_tables import AMOUNTS_WITHOUT_RATE


def warnings(connection: duckdb.DuckDBPyConnection, schema: str = "main") -> list[str]:
    """One sentence for each kind and currency of which amounts lack a rate.

    Args:
        connection: warehouse or published file.
        schema: where the table is.
    """
    if not has_table(connection, schema, AMOUNTS_WITHOUT_RATE):
        return []
    rows = connection.execute(
        "select kind, currency, sum(amount_count), sum(amount)"
        f" from {schema}.{AMOUNTS_WITHOUT_RATE} group by kind, currency order by kind, currency"
    ).fetchall()
    return [
        f"{amount:,.2f} {currency or 'without a currency'} in {count:,} {kind}{'s' * (count > 1)}"
        " is in no sum: its rate is lacking, or that of what it is in one with; set [money.rates],"
        f" or deliver landing/exchange_rates ({AMOUNTS_WITHOUT_RATE})"
        for kind, currency, count, amount in rows
    ]
