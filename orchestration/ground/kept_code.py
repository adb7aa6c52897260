"""What one process made and the next ones run: kept in files that nobody else can have written.

Belongs here: how such a file is written, and when it is not believed. Not here: what is in it
(`rule_macros`, `warehouse.dbt_templates`, `warehouse.dbt_manifest`).
"""

import hashlib
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from orchestration.ground.files import read_own, remove_unfinished, replace_file


def read(path: Path, packages: Sequence[str], of: str = "") -> bytes | None:
    """What was kept; None where there is nothing, or where it is not to be run: it is damaged, of
    another Python, other versions of the packages or something else, or others could have written
    it.

    Args:
        path: the file.
        packages: those whose code made it.
        of: what it was made of, one line.
    """
    content = read_own(path) or b""
    code = content[len(_head(b"", packages, of)) :]
    return code if code and content == _head(code, packages, of) + code else None


def keep(path: Path, code: bytes, packages: Sequence[str], of: str = "") -> None:
    """Keep it for `read`; where that cannot be written it is made again."""
    with suppress(OSError):
        remove_unfinished(path)  # of a run that was killed
        replace_file(path, _head(code, packages, of) + code, mode=0o600)


def _head(code: bytes, packages: Sequence[str], of: str) -> bytes:
    made_by = (f"{name} {version(name)}" for name in packages)
    digest = hashlib.sha256(code).hexdigest()
    return "\n".join([sys.version.replace("\n", " "), *made_by, of, digest, ""]).encode()
