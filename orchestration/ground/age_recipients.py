"""Public keys of age, for which exports are encrypted: reading and checking them.

Belongs here: the text of a key (Bech32 of BIP 173, `age1...`). Not here: what is encrypted with it
(`outputs.exports.age`).
"""

SUFFIX = ".age"
"""What the name of an encrypted file ends in."""

_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_PREFIX, _KEY_BYTES, _CHECKSUM = "age", 32, 6


def public_key(recipient: str) -> bytes:
    """The 32 bytes of a key.

    Raises:
        ValueError: it is none; the text is not shown, since it may be a private one.
    """
    text = recipient.lower() if recipient.isupper() else recipient
    prefix, _, data = text.rpartition("1")
    digits = [_ALPHABET.find(each) for each in data]
    if prefix != _PREFIX or -1 in digits or _checksum(prefix, digits) != 1:
        raise ValueError("a recipient is no public key of age, which begins with age1")
    bits = "".join(f"{each:05b}" for each in digits[:-_CHECKSUM])
    whole, rest = bits[: _KEY_BYTES * 8], bits[_KEY_BYTES * 8 :]
    if len(whole) != _KEY_BYTES * 8 or len(rest) >= 5 or "1" in rest:
        raise ValueError("a recipient is no public key of age, which has 32 bytes")
    return int(whole, 2).to_bytes(_KEY_BYTES)


def _checksum(prefix: str, digits: list[int]) -> int:
    spread = [ord(each) >> 5 for each in prefix] + [0] + [ord(each) & 31 for each in prefix]
    value = 1
    for digit in (*spread, *digits):
        top, value = value >> 25, (value & 0x1FFFFFF) << 5 ^ digit
        for place, generator in enumerate(_GENERATORS):
            value ^= generator if top >> place & 1 else 0
    return value
