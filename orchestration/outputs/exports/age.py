"""Files that only whoever has a private key can read, in the format of age (age-encryption.org/v1).

Belongs here: a recipient's public key, and bytes encrypted for recipients. Not here: whose files
are encrypted (`hourly`), or the warehouse.

The same bytes for the same recipients are the same file, so that an hour that is delivered again is
the same: what age draws at random is made of a secret of the home and of the bytes. Nobody without
that secret can make it, and no two contents share any of it.
"""

import base64
import hmac
from collections.abc import Sequence
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from orchestration.ground.age_recipients import public_key

_VERSION = "age-encryption.org/v1"
_CHUNK = 64 * 1024
_FILE_KEY_BYTES, _NONCE_BYTES = 16, 16
_NO_NONCE = bytes(12)


def encrypted(content: bytes, recipients: Sequence[str], secret: bytes) -> bytes:
    """The bytes as a file of age.

    Args:
        content: what is to be read by the recipients only.
        recipients: their public keys, `age1...`.
        secret: of the home.
    """
    seed = _derived(secret, sha256("\n".join(recipients).encode()).digest() + content)
    file_key = _derived(seed, b"file key")[:_FILE_KEY_BYTES]
    lines = [_VERSION]
    for recipient in recipients:
        own = X25519PrivateKey.from_private_bytes(_derived(seed, b"share " + recipient.encode()))
        lines += _stanza(own, public_key(recipient), file_key)
    header = "\n".join([*lines, "---"]).encode()
    mac = hmac.digest(_hkdf(file_key, b"", b"header"), header, "sha256")
    nonce = _derived(seed, b"nonce")[:_NONCE_BYTES]
    payload = _sealed(_hkdf(file_key, nonce, b"payload"), content)
    return header + b" " + _base64(mac).encode() + b"\n" + nonce + payload


def _stanza(own: X25519PrivateKey, recipient: bytes, file_key: bytes) -> list[str]:
    """The key of the file for one recipient, as lines of the header."""
    share = own.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    shared = own.exchange(X25519PublicKey.from_public_bytes(recipient))
    wrapping = _hkdf(shared, share + recipient, f"{_VERSION}/X25519".encode())
    body = ChaCha20Poly1305(wrapping).encrypt(_NO_NONCE, file_key, None)
    return [f"-> X25519 {_base64(share)}", _base64(body)]


def _sealed(key: bytes, content: bytes) -> bytes:
    """The content in chunks, of which the last says that it is."""
    cipher = ChaCha20Poly1305(key)
    starts = range(0, max(len(content), 1), _CHUNK)
    return b"".join(
        cipher.encrypt(
            number.to_bytes(11) + (start == starts[-1]).to_bytes(),
            content[start : start + _CHUNK],
            None,
        )
        for number, start in enumerate(starts)
    )


def _hkdf(key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt, info).derive(key)


def _derived(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, b"age " + text, "sha256")


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode().rstrip("=")
