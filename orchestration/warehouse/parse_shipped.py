"""Having dbt parse the project that ships before any home needs it.

`python -m orchestration.warehouse.parse_shipped` does it, which is the last step of `make setup`: a
first command then does not wait ten seconds for it. Belongs here: this step. Not here: where what
was parsed is kept (`shared_parse`).
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from orchestration.ground.errors import ComebackError
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.warehouse.dbt_build import prepare_manifest


def parse_shipped() -> None:
    """Parse the project as a home without files of its own has it, unless that was done.

    Raises:
        ComebackError: dbt cannot parse the project.
    """
    with TemporaryDirectory(prefix="comeback_setup_") as folder:
        home = Home(Path(folder).resolve())
        home.prepare()
        prepare_manifest(home, Settings())


if __name__ == "__main__":
    try:
        parse_shipped()
    except ComebackError as error:
        sys.exit(f"comeback: {error}")
