"""Texts that nobody can read without a key of the home.

Belongs here: what must be known once more and found by no search until then. Not here: encryption
of a whole file (DuckDB's own), or whom that concerns.

The keystream is HMAC-SHA256 in counter mode, its nonce is made of the text: the same text gives the
same seal.
"""

import hmac

_NONCE_BYTES = 16


def sealed(key: bytes, text: str) -> str:
    """The text as hex digits that say nothing without the key."""
    plain = text.encode()
    nonce = hmac.digest(key, b"nonce" + plain, "sha256")[:_NONCE_BYTES]
    return (nonce + _crossed(key, nonce, plain)).hex()


def unsealed(key: bytes, seal: str) -> str | None:
    """The text of a seal, None if it was made with another key."""
    whole = bytes.fromhex(seal)
    nonce, crossed = whole[:_NONCE_BYTES], whole[_NONCE_BYTES:]
    plain = _crossed(key, nonce, crossed)
    made = hmac.digest(key, b"nonce" + plain, "sha256")[:_NONCE_BYTES]
    return plain.decode() if hmac.compare_digest(made, nonce) else None


def _crossed(key: bytes, nonce: bytes, content: bytes) -> bytes:
    """The content xor the keystream."""
    blocks = range(-(-len(content) // 32))
    stream = b"".join(
        hmac.digest(key, b"stream" + nonce + block.to_bytes(4), "sha256") for block in blocks
    )
    return bytes(a ^ b for a, b in zip(content, stream, strict=False))
