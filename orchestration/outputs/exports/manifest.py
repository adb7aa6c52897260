"""What is said of an hour's files, without a word about any person.

Belongs here: the entries of the manifest and of the pointer. Not here: writing them
(`outputs.export_files`).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass


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
