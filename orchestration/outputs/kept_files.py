"""The files for tools of an hour that was exported before, without the lines of some people.

Belongs here: which lines of a kept file are whose, and the hour's files without them. Not here:
preparing an hour (`exports`), or writing its folder (`export_files`).

An old hour says what was delivered then. Were it prepared again, it would say of everybody else
what is known of them now.
"""

import json
import re
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from orchestration.ground.age_recipients import SUFFIX
from orchestration.ground.hours import hour_name, is_hour_name
from orchestration.landing.escapes import begins_word, escaped_or_not
from orchestration.landing.tombstones import WORD
from orchestration.outputs.export_files import MANIFEST
from orchestration.outputs.exports.csv_text import cells
from orchestration.outputs.exports.hourly import Prepared
from orchestration.outputs.exports.manifest import File
from orchestration.outputs.exports.presets import presets

_EXTERNAL_ID = "external_id"
_FULL = ".full.csv"


def without(folder: Path, ids: Collection[str], texts: Collection[str]) -> Prepared:
    """The files of an hour without some people; every other line keeps its bytes.

    Args:
        folder: of the hour, with its manifest.
        ids: their ids: a line goes that has one as the external id, however short that is.
        texts: what can mean nobody else, addresses in every spelling and hash: a line goes that
            has one as a word, in any case.

    Returns:
        The files, with their rows counted, and what the manifest says of each export: its persons
        without them, its counts by gate as they were at the hour. An encrypted file goes whole:
        nobody here can tell whose its lines are.
    """
    manifest = json.loads((folder / MANIFEST).read_bytes())
    # the first is the file of priorities, which is written from the table
    entries = manifest.get("files", [])[1:]
    can_be_read = [each for each in entries if not each["path"].endswith(SUFFIX)]
    files = [_file(folder, each, ids, texts) for each in can_be_read]
    left = {each.name: each.rows for each in files}
    gone = {
        name.removesuffix(SUFFIX): entry["rows"] - left.get(name, 0)
        for entry in entries
        for name in [entry["path"].rpartition("/")[2]]
    }
    exports = {
        name: said | {"persons": said["persons"] - gone.get(f"{name}{_FULL}", 0)}
        for name, said in manifest.get("exports", {}).items()
    }
    return Prepared(files, exports)


def newest_hour(folder: Path, not_after: datetime) -> str | None:
    """The name of the newest exported hour up to one; None without any."""
    names = (path.name for path in folder.iterdir() if is_hour_name(path.name))
    return max((name for name in names if name <= hour_name(not_after)), default=None)


def _file(
    folder: Path, entry: dict[str, object], ids: Collection[str], texts: Collection[str]
) -> File:
    name = str(entry["path"]).rpartition("/")[2]
    # no cell has a line break (`csv_text`), so that a line is a row
    header, *lines = (folder / name).read_bytes().decode().split("\n")
    id_columns = {
        preset.headers.get(_EXTERNAL_ID, _EXTERNAL_ID)
        for preset in presets().values()
        if preset.profile == "email"
    }
    places = [at for at, column in enumerate(cells(header)) if column in id_columns]
    words = "|".join(map(escaped_or_not, texts)) or "(?!)"
    known = re.compile(f"{begins_word(WORD)}(?:{words})(?![{WORD}])", re.IGNORECASE)

    def is_theirs(line: str) -> bool:
        if not line:
            return False
        row = cells(line)
        return any(row[at] in ids for at in places) or known.search(line) is not None

    kept = [line for line in lines if not is_theirs(line)]
    return File(name, "\n".join([header, *kept]).encode(), len(kept) - 1, entry["columns"])
