"""A file that is not known by name, before anything of it is loaded.

Belongs here: what is noted of such a file, and looking into it for its kind. Not here: whether its
content is known, and loading it (load.py).
"""

from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from orchestration.landing.files import SCRATCH_PREFIX, Fingerprint, FoundFile
from orchestration.landing.kinds import Format, Skip
from orchestration.landing.landed_files import folders_text
from orchestration.landing.streams import ByteStream

# Content hash and the columns that folders give; None in rows written before folders were columns.
Key = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that is not known by name, and the path at which its bytes can be read.

    ``is_settled`` says whether it had rested long enough before it was hashed for a change to show.
    ``folders`` are the columns that its folders give its rows. ``unpacked`` is where its bytes are
    uncompressed, for a reader that needs them so. ``kind`` is None for content that is known.
    """

    file: FoundFile
    path: Path
    before: Fingerprint
    is_settled: bool
    digest: str
    folders: dict[str, str]
    kind: Format | Skip | None = None
    unpacked: Path | None = None

    @property
    def key(self) -> Key:
        """What its content is known by."""
        return self.digest, folders_text(self.folders)


def looked_into(one: NewFile, scratch: Path | None, copies: ExitStack) -> NewFile:
    """The file with its kind, and uncompressed where its reader needs it so.

    Args:
        one: a file of which nothing is known but its bytes.
        scratch: where to uncompress it (default: the system's folder).
        copies: what is uncompressed lives as long as this.

    Raises:
        OSError: its bytes cannot be read.
    """
    stream = ByteStream(one.path)
    kind = stream.kind(one.file.name)
    if kind is not Format.PARQUET or stream.compression is None:
        return replace(one, kind=kind)
    folder = TemporaryDirectory(prefix=SCRATCH_PREFIX, dir=scratch)
    unpacked = Path(copies.enter_context(folder)) / "unpacked.parquet"
    stream.unpack_into(unpacked)
    return replace(one, kind=kind, unpacked=unpacked)
