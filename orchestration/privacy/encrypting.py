"""Encrypting what was begun without a key.

Belongs here: what a key changes of a home that is there, in its order. Not here: how a file is
encrypted (`ground.encryption`, `ground.sealed_files`), or copied (`warehouse.rewriting`).
"""

from orchestration.ground import encryption
from orchestration.ground.errors import ComebackError
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.privacy import rectified
from orchestration.warehouse import database, rewriting


def encrypt(home: Home, settings: Settings) -> list[str]:
    """Encrypt the warehouse and the corrections of a home; the caller holds the run lock.

    Killed at any point it is completed by being called again.

    Returns:
        What was done, and what else is not encrypted, line by line.

    Raises:
        ComebackError: no key is given, or it is not the one of a warehouse that is encrypted, or
            there is no warehouse that could be copied.
    """
    if not encryption.database_key():
        raise ComebackError(
            "no key is given to encrypt the warehouse with",
            f"the variable {encryption.DATABASE_KEY}",
            "set it, for this and every other command",
        )
    if not home.warehouse.exists():
        raise ComebackError(
            "there is no warehouse yet", str(home.warehouse), "run first: comeback run; it encrypts"
        )
    done = "Nothing to do: the warehouse is encrypted, and the key opens it."
    if encryption.is_encrypted(home.warehouse) is not True:
        rewriting.rewrite(home, settings)
        done = f"Encrypted  {home.warehouse}"
    with database.connect(home, settings) as connection:
        rectified.seal(connection, home)
    return [done, *(f"Note       {each}" for each in rewriting.plain_copies(home))]
