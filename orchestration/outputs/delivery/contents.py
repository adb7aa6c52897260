"""What one address gets of an hour: its files, a manifest of these, and the pointer.

Belongs here: bytes, made of the hour's folder. Not here: writing them anywhere (`targets`).
"""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from orchestration.ground.errors import ComebackError
from orchestration.outputs.export_files import MANIFEST
from orchestration.outputs.exports.manifest import pointer, to_json
from orchestration.warehouse.audit_log import sum_of_sums

# of the manifest of an hour what holds for every file of it
_OF_THE_HOUR = ("hour", "models", "settings", "is_stale", "reporting_currency")


@dataclass(frozen=True)
class Contents:
    """An hour as one address gets it.

    Attributes:
        files: bytes by path below the address; the order is that of the manifest.
        manifest_path: where the manifest goes.
        manifest: its bytes.
        pointer: the bytes of the pointer to this hour.
        meanwhile: the same while the files are being replaced: null for every sum.
        hour: ISO 8601, as the pointer says it.
        rows: data rows of all files.
    """

    files: dict[str, bytes]
    manifest_path: str
    manifest: bytes
    pointer: bytes
    meanwhile: bytes
    hour: str
    rows: int

    @property
    def hour_name(self) -> str:
        """The hour as its folder is named."""
        return self.manifest_path.partition("/")[0]

    @property
    def sha256(self) -> str:
        """Of the manifest, which has the sums of all files."""
        return hashlib.sha256(self.manifest).hexdigest()

    @property
    def files_sha256(self) -> str:
        """Of all files, as the audit log has it of exports."""
        return sum_of_sums(
            (path, hashlib.sha256(each).hexdigest()) for path, each in self.files.items()
        )


def contents_of(folder: Path, hour: str, exports: Collection[str]) -> Contents | None:
    """The files of some exports of an hour.

    Args:
        folder: the exports folder.
        hour: the name of the hour.
        exports: their names.

    Returns:
        None where the hour is not kept any more, or has no file of them.

    Raises:
        ComebackError: a file is not what the manifest says.
    """
    try:
        said = json.loads((folder / hour / MANIFEST).read_bytes())
    except FileNotFoundError:
        return None
    entries = [each for each in said.get("files", []) if _export_of(each["path"]) in exports]
    if not entries:
        return None
    files = {each["path"]: _checked(folder, each) for each in entries}
    manifest = {name: said[name] for name in _OF_THE_HOUR if name in said} | {
        "files": entries,
        "exports": {name: each for name, each in said["exports"].items() if name in exports},
    }
    return Contents(
        files,
        f"{hour}/{MANIFEST}",
        to_json(manifest),
        to_json(pointer(said["hour"], entries)),
        to_json(pointer(said["hour"], entries, is_written=False)),
        said["hour"],
        sum(each["rows"] for each in entries),
    )


def _export_of(path: str) -> str | None:
    """The export that a file is of, by its name; None of the file of priorities."""
    name, *parts = path.rpartition("/")[2].split(".")
    return name if len(parts) > 1 else None


def _checked(folder: Path, entry: dict) -> bytes:
    path = folder / entry["path"]
    content = path.read_bytes() if path.exists() else b""
    if hashlib.sha256(content).hexdigest() != entry["sha256"]:
        raise ComebackError(
            "a file is not what the manifest of its hour says", str(path), "run that hour again"
        )
    return content
