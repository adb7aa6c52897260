"""The segments and triggers that a shop has in its home: what dbt is given of them, what is wrong.

Belongs here: which of these files are taken into the home's copy of the dbt project, and one line
about each that is not. Not here: making the copy (`project`), sources of the shop's own, which
landing needs whole (`project`), what files declare (`segments`, `triggers`), nor which of them dbt
or the database found wrong (`refused_segments`).

A wrong file stops nothing but itself. Its segment or trigger stays what the copy has of it, as it
was before the file became wrong, and every run and `comeback status` say so.
"""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from orchestration.ground import segments, triggers
from orchestration.ground.checkout import DBT_PROJECT
from orchestration.ground.errors import WrongUsage
from orchestration.ground.files import replace_file
from orchestration.ground.home import Home
from orchestration.ground.refused_segments import (
    ENDINGS,
    content_of,
    copy_of_project,
    noted,
    refused,
)
from orchestration.ground.segment_sql import (
    fault_of,
    is_sql_word,
    shipped_models,
    tables_in,
    word_of_the_run,
)
from orchestration.ground.segments import Segment

logger = logging.getLogger(__name__)

_READ = "read_segments.json"
_CORRECT = f"correct it: {segments.GUIDE}"
# the model that all segments are read by
_MEMBERS = "segment_members"


@dataclass(frozen=True)
class Fault:
    """What is wrong with a file of the shop's own.

    Attributes:
        kind: `segment` or `trigger`.
        name: that of the file.
        error: the line about it.
        is_taken: whether the file is taken as it is all the same.
    """

    kind: str
    name: str
    error: WrongUsage
    is_taken: bool = False

    def __str__(self) -> str:
        """The line."""
        return str(self.error)


@dataclass(frozen=True)
class OwnFiles:
    """What of a home stands in its copy of the dbt project.

    Attributes:
        files: contents, by their path inside the project.
        segments: the segments among them.
        faults: of files that do not.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    segments: dict[str, Segment] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def own_files(home: Home) -> OwnFiles:
    """The segments and triggers of a home."""
    own = OwnFiles()
    _take_segments(home, own)
    _take_triggers(home, own)
    return own


def faults_in(home: Home, exports: Iterable[str] = ()) -> list[Fault]:
    """What is wrong with the shop's own segments and triggers.

    Args:
        home: where they lie.
        exports: names of those that are set; a segment may name one that is not there, which takes
            nobody then.
    """
    own, known = own_files(home), [*exports]
    faults = list(own.faults)
    for segment in own.segments.values():
        faults.extend(_of_the_run(home, own, segment.name))
        for export in segment.export if known else ():
            if export not in known:
                error = WrongUsage(
                    f"meta.export: there is no export '{export}'",
                    str(home.segments / f"{segment.name}.yml"),
                    f"use one of: {', '.join(known)}",
                )
                faults.append(Fault("segment", segment.name, error))
    return faults


def _of_the_run(home: Home, own: OwnFiles, name: str) -> Iterator[Fault]:
    """A query that is taken, but says something else whenever the hour is run again."""
    query = own.files[(segments.FOLDER / f"{name}.sql").as_posix()].decode()
    if word := word_of_the_run(query):
        error = WrongUsage(
            f"its SQL asks for {word}, which is another whenever the hour is run again",
            str(home.segments / f"{name}.sql"),
            "take {{ as_of() }} for the time, hash(person_id) for a share of people",
        )
        yield Fault("segment", name, error, is_taken=True)


def raise_fault_of(home: Home, kind: str, name: str) -> None:
    """Raise what is wrong with one file, if anything is.

    Raises:
        WrongUsage: the line about it.
    """
    for fault in own_files(home).faults:
        if (fault.kind, fault.name) == (kind, name):
            raise fault.error


_said: set[str] = set()


def say_faults(home: Home, exports: Iterable[str] = ()) -> None:
    """Warn of what is wrong with the shop's own files, once a process."""
    for line in map(str, faults_in(home, exports)):
        if line not in _said:
            _said.add(line)
            logger.warning("Warning: %s", line)


def note_read(home: Home, read: Iterable[Segment]) -> None:
    """Note which segments were in the project when dbt could last read it."""
    replace_file(home.dbt / _READ, json.dumps([each.content for each in read]).encode())


def new_since_read(home: Home) -> list[str]:
    """The segments of the shop's own that were not, or were others, when dbt could last read the
    project."""
    read = noted(home.dbt / _READ) or ()
    return [name for name, each in own_files(home).segments.items() if each.content not in read]


def _take_segments(home: Home, own: OwnFiles) -> None:
    folder, copy = home.segments, copy_of_project(home) / segments.FOLDER
    taken = dict(segments.segments_in(DBT_PROJECT))
    changed: list[Segment] = []
    for name in _names(folder, ENDINGS):
        try:
            found = _usable(home, folder, name)
        except WrongUsage as error:
            own.faults.append(Fault("segment", name, error))
            _take_as_before(home, name, taken, own)
            continue
        if _is_alike(folder, copy, name):
            _take(folder, found, taken, own)
        else:
            changed.append(found)
    # what stood there before is not to blame for what is new
    for found in changed:
        try:
            segments.require_rank(found, taken.values(), folder)
        except WrongUsage as error:
            own.faults.append(Fault("segment", found.name, error))
            _take_as_before(home, found.name, taken, own)
        else:
            _take(folder, found, taken, own)
    _leave_out_readers(home, taken, own)
    own.faults.extend(
        Fault("segment", path.stem, _wrong_ending(path)) for path in _misnamed(folder)
    )


def _usable(home: Home, folder: Path, name: str) -> Segment:
    """A segment whose files fit, as far as can be seen without dbt.

    Raises:
        WrongUsage: they do not.
    """
    yml, sql = folder / f"{name}.yml", folder / f"{name}.sql"
    if name in shipped_models():
        is_segment = (DBT_PROJECT / segments.FOLDER / f"{name}.sql").exists()
        what = "segment" if is_segment else "table"
        raise WrongUsage(
            f"{name} is a {what} that Comeback has already",
            str(yml),
            "rename the two files and the segment in them",
        )
    if is_sql_word(name):
        raise WrongUsage(
            f"{name} is a word of SQL", str(yml), "rename the two files and the segment in them"
        )
    found = segments.load_segment(folder, name)
    if refusal := refused(home).get(found.content):
        raise WrongUsage(refusal.what, str(sql), _CORRECT)
    if not _is_alike(folder, copy_of_project(home) / segments.FOLDER, name):
        own = frozenset(path.stem for path in folder.glob("*.sql"))
        own |= {f"stg_{path.stem}" for path in home.sources.glob("*.sql")}
        fault = fault_of(sql.read_text(encoding="utf-8"), own)
        if fault is not None:
            what, line = fault
            where = f"{sql}, line {line}" if line else str(sql)
            raise WrongUsage(what, where, _CORRECT)
    return found


def _take(folder: Path, segment: Segment, taken: dict[str, Segment], own: OwnFiles) -> None:
    taken[segment.name] = own.segments[segment.name] = segment
    for ending in ENDINGS:
        inside = (segments.FOLDER / f"{segment.name}{ending}").as_posix()
        own.files[inside] = (folder / f"{segment.name}{ending}").read_bytes()


def _take_as_before(
    home: Home, name: str, taken: dict[str, Segment], own: OwnFiles, *, but: str = ""
) -> None:
    """Leave a segment as the copy has it, if it has it and that still fits the others, could be
    asked, and has not the content `but`."""
    copy = copy_of_project(home) / segments.FOLDER
    if (DBT_PROJECT / segments.FOLDER / f"{name}.sql").exists():
        return
    try:
        found = segments.load_segment(copy, name)
        segments.require_rank(found, taken.values(), copy)
    except WrongUsage:
        return
    if found.content != but and found.content not in refused(home):
        _take(copy, found, taken, own)


def _leave_out_readers(home: Home, taken: dict[str, Segment], own: OwnFiles) -> None:
    """Leave segments as they were that read what is not there, or themselves by way of others.

    It is asked each time: they are right again once what they read is.
    """
    while unfit := _unfit_readers(home, own):
        for name, what in unfit.items():
            segment = own.segments.pop(name)
            del taken[name]
            for ending in ENDINGS:
                del own.files[(segments.FOLDER / f"{name}{ending}").as_posix()]
            if all(each.name != name for each in own.faults):
                error = WrongUsage(what, str(home.segments / f"{name}.sql"), _CORRECT)
                own.faults.append(Fault("segment", name, error))
            _take_as_before(home, name, taken, own, but=segment.content)


def _unfit_readers(home: Home, own: OwnFiles) -> dict[str, str]:
    """Which of the segments taken cannot be read, and why."""
    there = shipped_models() | {f"stg_{path.stem}" for path in home.sources.glob("*.sql")}
    reads = {
        name: tables_in(own.files[(segments.FOLDER / f"{name}.sql").as_posix()].decode())
        for name in own.segments
    }
    lacking = {
        name: f"it reads '{first}', which is no table or wrong itself"
        for name, read in reads.items()
        if (first := min(read - there - own.segments.keys(), default=None))
    }
    if lacking:
        return lacking
    reads |= {_MEMBERS: frozenset(own.segments)}
    around = [name for name in own.segments if name in _reached_from(name, reads)]
    copy = copy_of_project(home) / segments.FOLDER
    # what stood there before is not to blame for what is new
    new = [name for name in around if not _is_alike(home.segments, copy, name)]
    return dict.fromkeys(new or around, "it reads itself, by way of what it reads")


def _reached_from(name: str, reads: Mapping[str, Iterable[str]]) -> set[str]:
    reached: set[str] = set()
    ahead = [*reads[name]]
    while ahead:
        if (each := ahead.pop()) not in reached:
            reached.add(each)
            ahead.extend(reads.get(each, ()))
    return reached


def _take_triggers(home: Home, own: OwnFiles) -> None:
    folder, copy = home.root / triggers.FOLDER, copy_of_project(home) / triggers.FOLDER
    for name in _names(folder, (".yml",)):
        place = folder
        try:
            triggers.load_trigger(folder / f"{name}.yml")
        except WrongUsage as error:
            own.faults.append(Fault("trigger", name, error))
            place = copy
        if place == copy and not _is_trigger(copy / f"{name}.yml"):
            continue
        own.files[f"{triggers.FOLDER}/{name}.yml"] = (place / f"{name}.yml").read_bytes()
    own.faults.extend(
        Fault("trigger", path.stem, _wrong_ending(path)) for path in _misnamed(folder)
    )


def _is_trigger(path: Path) -> bool:
    try:
        triggers.load_trigger(path)
    except WrongUsage:
        return False
    return True


def _names(folder: Path, endings: Iterable[str]) -> list[str]:
    paths = folder.glob("*.*")
    return sorted({p.stem for p in paths if p.suffix in endings and not p.name.startswith(".")})


def _misnamed(folder: Path) -> Iterator[Path]:
    """Files that their writer may take for ones that are read."""
    for path in sorted(folder.glob("*.*")):
        is_like = path.suffix.lower() in (".yaml", *ENDINGS) and path.suffix not in ENDINGS
        if is_like and not path.name.startswith("."):
            yield path


def _wrong_ending(path: Path) -> WrongUsage:
    wanted = ".sql" if path.suffix.lower() == ".sql" else ".yml"
    return WrongUsage(
        f"a file that ends with {path.suffix} is not read",
        str(path),
        f"rename it: {path.stem}{wanted}",
    )


def _is_alike(folder: Path, copy: Path, name: str) -> bool:
    names = [f"{name}{ending}" for ending in ENDINGS]
    return all(content_of(folder / each) == content_of(copy / each) is not None for each in names)
