"""What the UI shows of an hour's exports: numbers that it plots over the hours, and a table.

Belongs here: putting what the manifest says into metadata. Not here: writing the files
(`outputs.hour_files`), nor the step (`assets`).
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import polars as pl

from orchestration.dagster.markdown import markdown_table
from orchestration.outputs.exports.gates import ELIGIBLE, GATES, decided_by_gates

# no export has a name with a blank
OF_PERSONS = "of persons"


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
    # a row for each gate, as in the report: the UI cuts off what is wide
    by_export = pl.DataFrame(
        [
            {
                OF_PERSONS: gate.replace("_", " "),
                **{name: counts.get(gate) for name, counts in refused.items()},
            }
            for gate in GATES
            if gate != ELIGIBLE and any(gate in counts for counts in refused.values())
        ],
        schema={OF_PERSONS: pl.String} | dict.fromkeys(exports, pl.Int64),
    )
    listed = {name: each["persons"] for name, each in exports.items()}
    by_export = pl.concat([pl.DataFrame([{OF_PERSONS: "on the list", **listed}]), by_export])
    warnings = [f"{name}: {each}" for name, said in exports.items() for each in said["warnings"]]
    return {
        **{f"persons_{name}": each["persons"] for name, each in exports.items()},
        **{
            f"refused_{name}_{gate}": n
            for name, counts in refused.items()
            for gate, n in counts.items()
        },
        **({"by_export": dg.MetadataValue.md(markdown_table(by_export))} if exports else {}),
        **({"warnings": "; ".join(warnings)} if warnings else {}),
    }
