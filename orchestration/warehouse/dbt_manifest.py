"""The parsed dbt project, kept in this process from one build to the next.

Belongs here: reading it as dbt reads it, what its yml files say of features, making it fit for
another build, and copying it. Not here: parsing it, nor running it (`dbt_build`).
"""

import functools
import hashlib
import pickle
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.ground import kept_code
from orchestration.ground.errors import ComebackError
from orchestration.ground.files import read_own, replace_file
from orchestration.warehouse.dbt_templates import TEMPLATES
from orchestration.warehouse.dbt_tuning import import_dbt, no_collection

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

PACKAGE = "comeback"


FINGERPRINT = "fingerprint"
"""The name of the file that says of what a project was parsed; written last."""
_PARSED = ("manifest.json", "partial_parse.msgpack", FINGERPRINT)
OBJECTS = "objects"
"""The name of the file with the parsed project as Python's objects."""
_PACKAGES = (
    *("dbt-core", "dbt-common", "dbt-adapters", "dbt-duckdb", "dbt-semantic-interfaces"),
    "python-dateutil",
)


def copy_parsed(source: Path, target: Path) -> bool:
    """Copy a parsed project from one folder to another, if there is one that nobody but this user
    can have written: what is in it is run. Whether there is.

    Raises:
        OSError: a file cannot be written.
    """
    contents = {name: read_own(source / name) for name in (TEMPLATES, *_PARSED)}
    if any(contents[name] is None for name in _PARSED):
        return False
    target.mkdir(parents=True, exist_ok=True)
    (target / FINGERPRINT).unlink(missing_ok=True)  # cut short, the copy is none
    for name, content in contents.items():
        if content is not None:
            replace_file(target / name, content, mode=0o600)
    return True


@functools.lru_cache(maxsize=1)
def parsed_project(target: Path, fingerprint: str) -> "Manifest":  # noqa: ARG001 part of the key
    """The parsed project as dbt keeps it for itself; read once a process and fingerprint."""
    import_dbt()
    with no_collection():
        return _read(target)


def _read(target: Path) -> "Manifest":
    """As `_unpacked`, out of Python's objects: of each class dbt would first make the code that
    reads it, which takes ten times as long as all else."""
    from dbt.contracts.graph.manifest import Manifest

    packed = (target / "partial_parse.msgpack").read_bytes()
    digest = hashlib.sha256(packed).hexdigest()
    if objects := kept_code.read(target / OBJECTS, _PACKAGES, of=digest):
        # objects of a class that is another now fail in any way, and are made again
        with suppress(Exception):
            manifest = Manifest.__new__(Manifest)
            vars(manifest).update(pickle.loads(objects))
            return Manifest.__post_deserialize__(manifest)
    manifest = _unpacked(packed)
    # the lock is of this process, and made again
    fields = {name: value for name, value in vars(manifest).items() if name != "_lock"}
    kept_code.keep(target / OBJECTS, pickle.dumps(fields), _PACKAGES, of=digest)
    return manifest


def _unpacked(packed: bytes) -> "Manifest":
    """As dbt reads it, and numbers as keys in a yml too, which dbt writes and cannot read again."""
    import msgpack
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_msgpack_decoder

    unpack = functools.partial(
        msgpack.unpackb, ext_hook=extended_msgpack_decoder, raw=False, strict_map_key=False
    )
    manifest = Manifest.from_msgpack(packed, decoder=unpack)
    manifest.build_flat_graph()
    return manifest


def uncompiled(manifest: "Manifest") -> "Manifest":
    """The same project as before any build.

    dbt notes in it which models have the SQL of ephemeral ones in them: for another hour that is
    other SQL, and it would put in none.
    """
    for node in manifest.nodes.values():
        if getattr(node, "compiled", False):
            node.compiled = False
            node.compiled_code = None
            node._pre_injected_sql = None
            node.extra_ctes = []
            node.extra_ctes_injected = False
    return manifest


def reason_phrases(manifest: Mapping) -> dict[str, tuple[str, str]]:
    """What to say of a low and of a high value of a feature: `meta.reason` of its column.

    Args:
        manifest: dbt's manifest, as in `manifest.json`.

    Raises:
        ComebackError: a column's phrases are not two texts.
    """
    phrases = {}
    columns = manifest["nodes"][f"model.{PACKAGE}.scoring_snapshots"]["columns"]
    for name, column in columns.items():
        pair = column.get("config", {}).get("meta", {}).get("reason")
        if pair is None:
            continue
        if not (isinstance(pair, list) and len(pair) == 2 and all(map(_is_text, pair))):
            raise ComebackError(
                f"meta.reason of the column {name} is {pair!r}",
                "the yml of scoring_snapshots",
                "give two texts: for a low and for a high value",
            )
        phrases[name] = (pair[0], pair[1])
    return phrases


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)
