"""dbt's documentation of the project as one page: tables, columns, contracts, tests and lineage.

Belongs here: dbt's own page, filled with what dbt parsed. Not here: what it says; that is in the
project's yml. `python -m orchestration.warehouse.dbt_docs` writes it, which is what `make docs`
does. The warehouse is not asked: it is for nobody else to open, and its tables are as the contracts
say.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestration.ground.errors import ComebackError
from orchestration.ground.files import replace_file
from orchestration.ground.home import Home
from orchestration.ground.settings import load_settings
from orchestration.warehouse import dbt_build


def write(home: Home) -> Path:
    """Write the page.

    Returns:
        Its path, `docs/index.html` of the home.

    Raises:
        ComebackError: dbt cannot parse the project, or the page cannot be written.
    """
    from dbt.task.docs import DOCS_INDEX_FILE_PATH

    home.prepare()
    manifest = json.loads(dbt_build.prepare_manifest(home, load_settings(home.root)).read_bytes())
    page = Path(DOCS_INDEX_FILE_PATH).read_text(encoding="utf-8")
    for name, content in (("MANIFEST", manifest), ("CATALOG", _catalog(manifest))):
        place = f'"{name}.JSON INLINE DATA"'
        if place not in page:
            raise ComebackError(
                f"dbt's page has no place for its {name.lower()}",
                DOCS_INDEX_FILE_PATH,
                "install the version of dbt-core in requirements.lock",
            )
        # within a script, "</script>" of a text would end it
        page = page.replace(place, json.dumps(content).replace("</", "<\\/"))
    path = home.root / "docs" / "index.html"
    path.parent.mkdir(exist_ok=True)
    replace_file(path, page.encode())
    return path


def _catalog(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What dbt would ask the database for: the types of columns, out of the contracts."""
    nodes = {
        unique_id: {
            "unique_id": unique_id,
            "metadata": {
                "type": node["config"]["materialized"],
                "database": node["database"],
                "schema": node["schema"],
                "name": node["name"],
                "comment": None,
                "owner": None,
            },
            "columns": {
                name: {"name": name, "index": index, "type": column["data_type"], "comment": None}
                for index, (name, column) in enumerate(node["columns"].items(), start=1)
                if column["data_type"]
            },
            "stats": {},
        }
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] == "model"
    }
    return {"metadata": {}, "nodes": nodes, "sources": {}, "errors": None}


if __name__ == "__main__":
    try:
        print(write(Home.from_environment()))
    except ComebackError as error:
        sys.exit(f"comeback: {error}")
