"""What a secret key decides: a draw by a keyed hash, and an id of the key itself.

What belongs here: the hash. What does not: what is drawn (``holdout``, ``experiments``).
"""

import hmac

RANGE = 2**64
"""Draws are whole numbers below it."""


def key_id(key: bytes) -> str:
    """Distinguishes keys without revealing one."""
    return hmac.digest(key, b"key", "sha256").hex()[:12]


def drawn_number(key: bytes, text: str) -> int:
    """A number that nobody can foretell without the key: the first 64 bits of HMAC-SHA256."""
    return int.from_bytes(hmac.digest(key, text.encode(), "sha256")[:8])
