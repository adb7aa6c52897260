"""Exports for recipients of age, read back by a decoder of its own, which reads age's own files."""

import base64
import hmac
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from orchestration.ground.age_recipients import public_key
from orchestration.ground.errors import ComebackError
from orchestration.ground.settings import parse_settings
from orchestration.outputs.exports.age import encrypted
from orchestration.outputs.hour_files import write_exports
from orchestration.outputs.kept_files import without
from tests.outputs.exports.shops import HOUR, TEN, Shop

# A pair of keys, and a file for it, made by pyrage 1.4.0, the format's implementation in Rust.
SECRET = bytes.fromhex("1beb1ef0273dec9f5eada67a3caee0643d4e62494ff66dc15df442c501941217")
RECIPIENT = "age1mpxlvn59mzxlp403p75h2ehg4s56k0szfjpnjt2dkc8pqjufd3zsrvfk5c"
OTHER = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
MADE_BY_RUST = base64.b64decode(
    "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBtOHdBcXRFTmFRWlVVL3IzU3dBZTR4ZGg0UDh0elhYdExXK0ZQ"
    "SVBWdFQ4ClBaMmJGa1hGWGlIajNxNXNqOWgyR3lXdkVLOHllWWxGdzdUSXBoZUxJbEEKLT4gR1ZZdVBRMi1ncmVhc2Ug"
    "bzMjdjYoIEI9YmsgKSolTzw6WyAxJGJuOgpHd3RHVFVCZ1lxNGNtWWtKUUlIdzJvb0dyZFdna2dpbHRZRkdDVllsWFZZ"
    "ZGo5R2wrakdBMEFhZk5RCi0tLSBtOGtjaWdPNjVaRmc5RHV4b0FVSW1oeU56bWdQUDc0MGdyNWpla0UwZXA4Ck7uvJ4Z"
    "kykNOn5PrIF/sbc20QQ4l6k4tMe6K7ecRX8uK4H9pszNP6nx/p9eoU81ItyyDQ=="
)


def hkdf(key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt, info).derive(key)


def plain(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4))


def decrypted(file: bytes) -> bytes:
    header, _, rest = file.partition(b"\n--- ")
    mac, _, payload = rest.partition(b"\n")
    own = X25519PrivateKey.from_private_bytes(SECRET)
    keys = []
    for stanza in header.decode().split("\n-> ")[1:]:
        (kind, *arguments), body = stanza.split("\n")[0].split(" "), stanza.split("\n")[1]
        if kind != "X25519":
            continue
        share = plain(arguments[0])
        shared = own.exchange(X25519PublicKey.from_public_bytes(share))
        wrapping = hkdf(
            shared, share + own.public_key().public_bytes_raw(), b"age-encryption.org/v1/X25519"
        )
        try:
            keys.append(ChaCha20Poly1305(wrapping).decrypt(bytes(12), plain(body), None))
        except Exception:  # noqa: BLE001 of another recipient
            continue
    (key,) = keys
    assert plain(mac.decode()) == hmac.digest(
        hkdf(key, b"", b"header"), header + b"\n---", "sha256"
    )
    cipher, sealed = ChaCha20Poly1305(hkdf(key, payload[:16], b"payload")), payload[16:]
    size = 64 * 1024 + 16
    chunks = [sealed[at : at + size] for at in range(0, len(sealed), size)]
    last = len(chunks) - 1
    return b"".join(
        cipher.decrypt(number.to_bytes(11) + bytes([number == last]), chunk, None)
        for number, chunk in enumerate(chunks)
    )


def test_the_decoder_reads_what_age_itself_wrote_and_keys_are_those_of_age():
    assert decrypted(MADE_BY_RUST) == b"email,reason,since\n"
    own = X25519PrivateKey.from_private_bytes(SECRET)
    assert public_key(RECIPIENT) == own.public_key().public_bytes_raw()
    assert public_key(RECIPIENT.upper()) == public_key(RECIPIENT)


@pytest.mark.parametrize("size", [0, 1, 64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1, 200_000])
def test_every_recipient_reads_the_bytes_and_the_same_bytes_are_the_same_file(size):
    content = (b"ann@example.com,\x00\xff" * 12_000)[:size]
    file = encrypted(content, [OTHER, RECIPIENT], b"secret")
    assert decrypted(file) == content
    assert encrypted(content, [OTHER, RECIPIENT], b"secret") == file
    assert b"ann@example.com" not in file
    for other in (
        encrypted(content + b"x", [OTHER, RECIPIENT], b"secret"),
        encrypted(content, [OTHER, RECIPIENT], b"another"),
    ):
        # neither nonces nor keys are used twice
        assert set(other.split(b"\n")[1:5]).isdisjoint(file.split(b"\n")[1:5])


@pytest.mark.parametrize(
    "text",
    [
        RECIPIENT[:-1] + "q",
        RECIPIENT[:-1],
        RECIPIENT.replace("age1", "age"),
        RECIPIENT.title(),
        "AGE-SECRET-KEY-1R043AUP88HKF7H4D5EARETHQVS75UCJFFLMXMS2A73PV2QV5ZGTSM2QWDS",
        "ssh-ed25519 AAAA",
        "",
    ],
)
def test_what_is_no_public_key_is_refused_and_not_shown(text):
    with pytest.raises(ComebackError, match="age_recipients") as refusal:
        parse_settings({"exports": {"mail": {"profile": "email", "age_recipients": [text]}}})
    assert len(text) < 10 or text not in str(refusal.value)


def test_files_of_an_export_with_recipients_are_encrypted_and_add_up_hour_by_hour(shop: Shop):
    shop.home.exports.mkdir()
    shop.person("ann", 1)
    entry = {"profile": "email", "age_recipients": [RECIPIENT]}
    settings = parse_settings({"exports": {"mail": entry, "plain": {"profile": "suppressions"}}})
    written = []
    for at in (TEN, TEN, TEN + HOUR):
        write_exports(shop.connection, shop.home, at, settings, models={})
        folder = shop.home.exports / f"{at:%Y-%m-%dT%HZ}"
        written.append({path.name: path.read_bytes() for path in folder.iterdir()})
    first, again, second = written
    assert first == again
    assert {name for name in first if name.startswith(("mail", "plain"))} == {
        *(f"mail.{part}.csv.age" for part in ("full", "add", "remove")),
        *(f"plain.{part}.csv" for part in ("full", "add", "remove")),
    }
    assert decrypted(first["mail.full.csv.age"]).startswith(b"email,external_id,")
    assert b"\nann@example.com,ann," in decrypted(first["mail.add.csv.age"])
    assert b"\nann@example.com,none,0," in decrypted(second["mail.remove.csv.age"])
    assert not any(b"ann@" in content for files in written for content in files.values())
    manifest = json.loads(first["manifest.json"])
    assert manifest["exports"]["mail"]["persons"] == 1
    assert {each["path"].rpartition("/")[2]: each["rows"] for each in manifest["files"][1:]} == {
        **{f"mail.{part}.csv.age": rows for part, rows in (("full", 1), ("add", 1), ("remove", 0))},
        **{f"plain.{part}.csv": 0 for part in ("full", "add", "remove")},
    }
    # nobody can take a line out of what nobody here can read
    kept = without(shop.home.exports / "2026-10-31T10Z", ["bob"], ["bob@example.com"])
    assert [file.name for file in kept.files] == [
        f"plain.{part}.csv" for part in ("full", "add", "remove")
    ]
    assert kept.exports["mail"]["persons"] == 0
