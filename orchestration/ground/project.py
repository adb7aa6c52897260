"""The dbt project as a home has it: the checkout's, with the home's own files in it.

Belongs here: which folder dbt reads for a home, and the two files of each source that a shop has
defined for itself (`sources/<name>.yml` and `.sql`). Not here: which of its segments and triggers
are taken (`own_files`), what the files declare (`landing`, `segments`, `triggers`), or running dbt
(`warehouse`).

dbt reads one folder. Where a home has any of its own, that folder is a copy in the home, which
follows the checkout; else it is the checkout's. So an update of the checkout and what a shop
has of its own never meet.
"""

from collections.abc import Iterator
from pathlib import Path

from orchestration.ground.checkout import DBT_PROJECT, SOURCE_DEFINITIONS
from orchestration.ground.errors import ComebackError
from orchestration.ground.files import replace_file
from orchestration.ground.home import Home
from orchestration.ground.own_files import own_files
from orchestration.ground.refused_segments import copy_of_project, keep_before

_STAGING = SOURCE_DEFINITIONS.relative_to(DBT_PROJECT)


def project_files(project: Path) -> Iterator[tuple[Path, str]]:
    """The files that dbt reads, each with its path inside the project, in a stable order."""
    for path in sorted(project.rglob("*")):
        inside = path.relative_to(project)
        # .md: blocks of descriptions; those in docs are pages for people, dbt does not read them
        is_read = path.suffix in (".sql", ".yml", ".md")
        if is_read and inside.parts[0] not in ("docs", "target", "logs"):
            yield path, inside.as_posix()


def own_sources(home: Home) -> list[str]:
    """Names of the sources that the shop has defined in its home, in order.

    Raises:
        ComebackError: one of its two files is missing, or the name is a source of the checkout.
    """
    folder, guide = home.sources, "dbt_project/docs/own_source.md"
    names = sorted({path.stem for path in folder.glob("*.*") if _is_definition(path)})
    for name in names:
        if (SOURCE_DEFINITIONS / f"{name}.yml").exists():
            raise ComebackError(
                f"{name} is a source that Comeback has already",
                str(folder / f"{name}.yml"),
                "rename the two files and the source in them",
            )
        for path in (folder / f"{name}.yml", folder / f"{name}.sql"):
            if not path.exists():
                raise ComebackError(
                    f"the source {name} has no {path.name}", str(folder), f"write it: {guide}"
                )
    return names


def project_of(home: Home) -> Path:
    """The folder of the dbt project for a home, made or brought up to date where it is a copy.

    A trigger of the home takes the place of a shipped one of its name. A segment or trigger whose
    files are wrong stays as the copy has it, see `own_files`.

    Raises:
        ComebackError: as `own_sources`.
    """
    own: dict[str, bytes] = {}
    for name in own_sources(home):
        own[(_STAGING / f"{name}.yml").as_posix()] = (home.sources / f"{name}.yml").read_bytes()
        own[(_STAGING / f"stg_{name}.sql").as_posix()] = (home.sources / f"{name}.sql").read_bytes()
    own |= own_files(home).files
    copy = copy_of_project(home)
    if not own and not copy.exists():
        return DBT_PROJECT
    files = {inside: path.read_bytes() for path, inside in project_files(DBT_PROJECT)} | own
    for path, inside in [*project_files(copy)] if copy.exists() else ():
        if inside not in files:
            path.unlink()
    keep_before(home, own)
    for inside, content in files.items():
        target = copy / inside
        if not target.exists() or target.read_bytes() != content:
            target.parent.mkdir(parents=True, exist_ok=True)
            replace_file(target, content)
    return copy if own else DBT_PROJECT


def _is_definition(path: Path) -> bool:
    return path.suffix in (".yml", ".sql") and not path.name.startswith(".")
