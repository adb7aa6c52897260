"""The holdout: people who are never contacted, so that the effect of contacts can be measured.

What belongs here: who is held out. What does not: what is done about the others (``decision``).
"""

import hmac

import polars as pl


def is_held_out(people: pl.Series, *, key: bytes, share: float) -> pl.Series:
    """Whether each person is never to be contacted; the same for the same key, whatever the frame.

    A person is held out if HMAC-SHA256(key, person), as a fraction of its range, is below the
    share.

    Raises:
        ValueError: if the key is empty or the share not in [0, 1].
    """
    if not key:
        raise ValueError("the holdout key is empty, it must be a secret")
    if not 0 <= share <= 1:
        raise ValueError(f"holdout_share is {share}, it must be between 0 and 1")
    limit = int(share * 2**64)
    held_out = [
        person
        for person in people.unique().to_list()
        if int.from_bytes(hmac.digest(key, person.encode(), "sha256")[:8]) < limit
    ]
    return people.is_in(held_out).alias("is_holdout")
