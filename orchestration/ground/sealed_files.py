"""Small files of Comeback's own with what else only the vault has, encrypted with its key.

Belongs here: the form of such a file. Not here: the warehouse (`encryption`), single texts
(`seal`), or files for others (`outputs.exports.age`).

What encrypts is imported where it is needed: landing reads few such files.
"""

import secrets
from typing import TYPE_CHECKING

from orchestration.ground.encryption import DATABASE_KEY, database_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MARK = b"\0comeback sealed 1\n"

_SALT_BYTES = 16
# each file has a key of its own, made with its salt
_NONCE = bytes(12)


def sealed(content: bytes) -> bytes:
    """The content as it is to be kept: encrypted where a key is given."""
    key = database_key()
    if key is None:
        return content
    salt = secrets.token_bytes(_SALT_BYTES)
    return MARK + salt + _cipher(key, salt).encrypt(_NONCE, content, MARK)


def opened(kept: bytes) -> bytes:
    """The content of what is kept, encrypted or not.

    Raises:
        OSError: it is encrypted with another key than the one that is given.
    """
    if not kept.startswith(MARK):
        return kept
    from cryptography.exceptions import InvalidTag

    salt = kept[len(MARK) : len(MARK) + _SALT_BYTES]
    try:
        return _cipher(database_key() or "", salt).decrypt(
            _NONCE, kept[len(MARK) + _SALT_BYTES :], MARK
        )
    except InvalidTag:
        raise OSError(f"it is encrypted, and not with the key in {DATABASE_KEY}") from None


def _cipher(key: str, salt: bytes) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return AESGCM(HKDF(SHA256(), 32, salt, MARK).derive(key.encode()))
