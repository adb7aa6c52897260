"""The parsed dbt project, kept in this process from one build to the next.

Belongs here: reading it as dbt reads it, and making it fit for another build. Not here: parsing it,
nor running it (`dbt_build`).
"""

import functools
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest


@functools.lru_cache(maxsize=1)
def parsed_project(target: Path, fingerprint: str) -> "Manifest":  # noqa: ARG001 part of the key
    """The parsed project as dbt keeps it for itself; read once a process and fingerprint."""
    import msgpack
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_msgpack_decoder

    packed = (target / "partial_parse.msgpack").read_bytes()
    # As dbt reads it, and numbers as keys in a yml too, which dbt writes and cannot read again.
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
