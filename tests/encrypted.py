"""A key for the warehouse in tests, and the command `comeback` with it.

    python -m tests.encrypted run --as-of latest

The extension with which DuckDB encrypts is only to be had with the network. Here DuckDB is allowed
what it brings along itself, of which it says that it is not safe; the product has no way to.
"""

import os

from orchestration.ground import encryption

# with what could end a text or a statement
KEY = 'correct horse\'s "battery" staple; -- 100%'


def allow_weak_cryptography() -> None:
    """Have DuckDB encrypt in this process without its extension."""
    encryption._load_cryptography = load_weak_cryptography


def load_weak_cryptography(connection) -> None:
    connection.execute("set force_mbedtls_unsafe = 'true'")


def give_key() -> None:
    """Give this process the key, and have DuckDB encrypt."""
    allow_weak_cryptography()
    os.environ[encryption.DATABASE_KEY] = KEY


if __name__ == "__main__":
    allow_weak_cryptography()
    from orchestration.cli import program

    program()
