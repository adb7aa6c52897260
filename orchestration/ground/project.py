"""The dbt project as a home has it: the checkout's, with the home's own files in it.

Belongs here: which folder dbt reads for a home, and what a shop has defined for itself: the two
files of each source and segment (`sources/<name>.yml` and `.sql`, `segments/` likewise), and its
triggers (`triggers/<name>.yml`). Not here: what the files declare (`landing`, `segments`,
`triggers`), or running dbt (`warehouse`).

dbt reads one folder. Where a home has any of its own, that folder is a copy in the home, which
follows the checkout; else it is the checkout's. So an update of the checkout and what a shop
has of its own never meet.
"""

from collections.abc import Iterator
from pathlib import Path

from orchestration.ground import segments, triggers
from orchestration.ground.checkout import DBT_PROJECT, SOURCE_DEFINITIONS
from orchestration.ground.errors import ComebackError
from orchestration.ground.files import replace_file
from orchestration.ground.home import Home
from orchestration.ground.triggers import triggers_in

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
    return _own(home.sources, "source", SOURCE_DEFINITIONS, "dbt_project/docs/own_source.md")


def own_segments(home: Home) -> list[str]:
    """Names of the segments that the shop has defined in its home, in order.

    Raises:
        ComebackError: one of its two files is missing, or the name is a segment of the checkout.
    """
    return _own(home.segments, "segment", DBT_PROJECT / segments.FOLDER, segments.GUIDE)


def project_of(home: Home) -> Path:
    """The folder of the dbt project for a home, made or brought up to date where it is a copy.

    A trigger of the home takes the place of a shipped one of its name.

    Raises:
        ComebackError: as `own_sources` and `own_segments`.
        WrongUsage: as `triggers_in`.
    """
    own: dict[str, Path] = {}
    for name in own_sources(home):
        own[(_STAGING / f"{name}.yml").as_posix()] = home.sources / f"{name}.yml"
        own[(_STAGING / f"stg_{name}.sql").as_posix()] = home.sources / f"{name}.sql"
    for name in own_segments(home):
        for file in (f"{name}.yml", f"{name}.sql"):
            own[(segments.FOLDER / file).as_posix()] = home.segments / file
    for trigger in triggers_in(home.root):
        inside = f"{triggers.FOLDER}/{trigger.name}.yml"
        own[inside] = home.root / inside
    if not own:
        return DBT_PROJECT
    files = {inside: path for path, inside in project_files(DBT_PROJECT)} | own
    copy = home.dbt / "project"
    for path, inside in [*project_files(copy)] if copy.exists() else ():
        if inside not in files:
            path.unlink()
    for inside, path in files.items():
        content, target = path.read_bytes(), copy / inside
        if not target.exists() or target.read_bytes() != content:
            target.parent.mkdir(parents=True, exist_ok=True)
            replace_file(target, content)
    return copy


def _own(folder: Path, kind: str, shipped: Path, guide: str) -> list[str]:
    names = sorted({path.stem for path in folder.glob("*.*") if _is_definition(path)})
    for name in names:
        if (shipped / f"{name}.yml").exists():
            raise ComebackError(
                f"{name} is a {kind} that Comeback has already",
                str(folder / f"{name}.yml"),
                f"rename the two files and the {kind} in them",
            )
        for path in (folder / f"{name}.yml", folder / f"{name}.sql"):
            if not path.exists():
                raise ComebackError(
                    f"the {kind} {name} has no {path.name}", str(folder), f"write it: {guide}"
                )
    return names


def _is_definition(path: Path) -> bool:
    return path.suffix in (".yml", ".sql") and not path.name.startswith(".")
