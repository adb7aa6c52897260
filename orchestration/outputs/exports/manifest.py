"""What is said of an hour's files, without a word about any person.

Belongs here: the entries of the manifest and of the pointer. Not here: writing them
(`outputs.export_files`).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class File:
    """A file of an hour: its name, bytes, data rows and columns."""

    name: str
    content: bytes
    rows: int
    columns: Sequence[str]

    @property
    def sha256(self) -> str:
        """The sum of its bytes, in hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()

    def described(self, folder: str) -> dict[str, object]:
        """The file's entry in the manifest; its path is relative to the exports folder."""
        return {
            "path": f"{folder}/{self.name}",
            "rows": self.rows,
            "bytes": len(self.content),
            "sha256": self.sha256,
            "columns": list(self.columns),
        }


def pointer(
    hour: str, files: Sequence[Mapping[str, Any]], *, is_written: bool = True
) -> dict[str, object]:
    """What a pointer says of an hour: its files with their sums.

    Args:
        hour: ISO 8601.
        files: path and sha256 of each, as in the manifest.
        is_written: whether the files are there; null stands for every sum until they are.
    """
    sums = [
        {"path": each["path"], "sha256": each["sha256"] if is_written else None} for each in files
    ]
    return {"hour": hour, "files": sums}


def to_json(values: Mapping[str, object]) -> bytes:
    """Manifest or pointer as the bytes of its file."""
    return (json.dumps(values, indent=2) + "\n").encode()
