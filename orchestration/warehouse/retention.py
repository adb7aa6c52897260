"""How long the tables of the schema `scores` are kept.

Belongs here: which of their rows are too old. Not here: dropping them, which whoever writes a table
does.
"""

from datetime import datetime

from orchestration.warehouse.score_tables import CART_SCORES


def too_old(
    at: str, hour: datetime, not_after: datetime, keep_days: int
) -> tuple[str, tuple[datetime, datetime, int]]:
    """SQL that holds for rows that are too old to keep, and the values of its placeholders.

    All tables are judged by one instant, the newest scored hour up to `not_after`: one beyond was
    scored while the clock was ahead.

    Args:
        at: the column with the hour of a row.
        hour: rows of it stay, however old they are: it was just written.
        not_after: the newest hour there can be by the clock.
        keep_days: rows of as many days are kept.
    """
    newest = f"select max(scored_at) from scores.{CART_SCORES.name} where scored_at <= ?"
    return f"{at} <> ? and {at} <= ({newest}) - to_days(?)", (hour, not_after, keep_days)
