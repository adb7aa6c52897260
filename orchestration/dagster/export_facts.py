"""What the UI shows of an hour's exports: numbers that it plots over the hours, and a table.

Belongs here: putting what the manifest says into metadata. Not here: writing the files
(`outputs.hour_files`), nor the step (`assets`).
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import polars as pl

from orchestration.dagster.markdown import markdown_table
from orchestration.outputs.exports.gates import ELIGIBLE, decided_by_gates


def export_metadata(exports: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Of each export how many persons are listed, and how many each gate refused.

    Args:
        exports: by name, as in the manifest.
    """
    refused = {
        name: {
            gate: n for gate, n in (decided_by_gates(each) or {}).items() if n and gate != ELIGIBLE
        }
        for name, each in exports.items()
    }
    table = pl.DataFrame(
        [
            {
                "export": name,
                "tool": each["profile"] if each["preset"] == "generic" else each["preset"],
                "persons": each["persons"],
                "refused": ", ".join(f"{gate} {n}" for gate, n in refused[name].items()),
                "warnings": "; ".join(each["warnings"]),
            }
            for name, each in exports.items()
        ]
    )
    return {
        **{f"persons_{name}": each["persons"] for name, each in exports.items()},
        **{
            f"refused_{name}_{gate}": n
            for name, counts in refused.items()
            for gate, n in counts.items()
        },
        **({"by_export": dg.MetadataValue.md(markdown_table(table))} if exports else {}),
    }
