"""Segments as an analyst defines them: two files each, read from the dbt project.

Belongs here: which segments there are, and what the yml of each says beside its SQL. Not here: who
is in them (`dbt_project/models/people/segment_members.sql`), nor their history
(`warehouse.segment_history`).
"""

import functools
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from orchestration.ground.checkout import DBT_PROJECT
from orchestration.ground.errors import WrongUsage
from orchestration.ground.yml import parsed_yml

FOLDER = Path("models/segments")
GUIDE = "dbt_project/docs/segments.md"
# longer ones would be no names of files or columns everywhere
NAME = re.compile(r"[a-z][a-z0-9_]{0,50}")
_KEYS = ("owner", "version", "group", "rank", "export")
# beyond, the SQL that asks all segments would have no number for it
_HIGHEST = 2**31 - 1
# What a segment may be for dbt: a query, put into the one that asks all segments who is in them.
_AS_IT_IS = {"enabled": True, "materialized": "ephemeral"}


@dataclass(frozen=True)
class Segment:
    """A segment.

    Attributes:
        name: that of its two files.
        description: what its yml says of it.
        owner: whom to ask.
        version: of its rule; another one ends all stays.
        group: segments of one group exclude each other; empty: it excludes none.
        rank: of those of a group that fit a person the highest counts.
        export: names of exports that take its members.
        content: a hash over its two files.
        words: all words of its query, among which are the names of segments that it reads.
    """

    name: str
    description: str
    owner: str
    version: int
    group: str
    rank: int
    export: tuple[str, ...]
    content: str
    words: frozenset[str] = frozenset()


def segments_in(project: Path = DBT_PROJECT) -> dict[str, Segment]:
    """The segments of a dbt project, by name, in order.

    Raises:
        WrongUsage: a file is missing, or the yml says what does not fit.
    """
    folder = project / FOLDER
    names = sorted({path.stem for path in folder.glob("*.*") if path.suffix in (".yml", ".sql")})
    found: dict[str, Segment] = {}
    for name in names:
        found[name] = load_segment(folder, name)
        require_rank(found[name], found.values(), folder)
    return found


def load_segment(folder: Path, name: str) -> Segment:
    """The segment of two files in a folder.

    Raises:
        WrongUsage: a file is missing or cannot be read, or the yml says what does not fit.
    """
    yml, sql = folder / f"{name}.yml", folder / f"{name}.sql"
    contents = []
    for path in (yml, sql):
        if not path.exists():
            raise WrongUsage(
                f"the segment {name} has no {path.name}", str(folder), f"write it: {GUIDE}"
            )
        try:
            contents.append(path.read_bytes())
            contents[-1].decode()
        except (OSError, UnicodeDecodeError) as error:
            raise _wrong(path, f"it cannot be read ({error})", "save it in UTF-8") from error
    if not NAME.fullmatch(name):
        raise _wrong(yml, f"{name!r} is no name of a segment", "use a-z, 0-9 and _")
    return _parsed(yml, name, *contents)


def require_rank(segment: Segment, others: Iterable[Segment], folder: Path) -> None:
    """Refuse a segment whose rank another of its group has: nothing would say which one counts.

    Args:
        segment: the one that is blamed.
        others: those it stands among.
        folder: where its files lie.

    Raises:
        WrongUsage: there is one.
    """
    for other in others:
        is_like = (segment.group, segment.rank) == (other.group, other.rank)
        if segment.group and is_like and other.name != segment.name:
            raise _wrong(
                folder / f"{segment.name}.yml",
                f"meta.rank {segment.rank} in the group {segment.group} is that of"
                f" {other.name} too",
                "give each segment of a group a rank of its own",
            )


def unfit_config(config: Mapping[str, object]) -> str | None:
    """What of dbt's settings of a model a segment cannot have; None if nothing is."""
    for key, only in _AS_IT_IS.items():
        if config.get(key, only) != only:
            return f"config.{key} is {config[key]!r}: a segment is a query alone"
    return None


def digest(segments: Mapping[str, Segment]) -> str:
    """First 12 hex digits of a hash over what the segments are made of."""
    text = "\n".join(f"{each.name} {each.content}" for each in segments.values())
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def deciding(segments: Mapping[str, Segment]) -> dict[str, str]:
    """By name of a segment, a hash over the files that decide who is in it: its own, those of its
    group, and those of the segments that any of these may read."""
    found = {}
    for name in segments:
        reached, ahead = set(), [name]
        while ahead:
            if (each := segments[ahead.pop()]).name not in reached:
                reached.add(each.name)
                ahead += (word for word in each.words if word in segments)
                ahead += (o.name for o in segments.values() if each.group and o.group == each.group)
        found[name] = digest({each: segments[each] for each in sorted(reached)})
    return found


@functools.lru_cache(maxsize=4096)
def _parsed(yml: Path, name: str, declaration: bytes, query: bytes) -> Segment:
    try:
        declared = parsed_yml(declaration.decode())
        model = next(each for each in declared["models"] if each["name"] == name)
        meta = dict(model["config"]["meta"])
    except yaml.YAMLError as error:
        raise _wrong(yml, f"it is no yml ({' '.join(str(error).split())})", GUIDE) from error
    except (TypeError, KeyError, ValueError, StopIteration, RecursionError) as error:
        raise _wrong(yml, f"it has no model {name} with config.meta", GUIDE) from error
    if what := unfit_config(model["config"]):
        raise _wrong(yml, what, "take that out; to have a segment no more, delete its two files")
    for key in meta:
        if key not in _KEYS:
            raise _wrong(yml, f"meta.{key} is nothing known", f"use {', '.join(_KEYS)}")
    description, owner, export = model.get("description"), meta.get("owner"), meta.get("export", ())
    if not _is_text(description):
        raise _wrong(yml, "it has no description", "say who is in the segment")
    if not _is_text(owner):
        raise _wrong(yml, "meta.owner is missing", "name whom to ask")
    version, rank = meta.get("version"), meta.get("rank", 0)
    if not (_is_whole(version) and version >= 1):
        raise _wrong(
            yml, f"meta.version is {version!r}", f"give a whole number from 1 to {_HIGHEST:,}"
        )
    if not _is_whole(rank):
        raise _wrong(yml, f"meta.rank is {rank!r}", f"give a whole number, {_HIGHEST:,} at most")
    group = meta.get("group", "")
    if group and not (isinstance(group, str) and NAME.fullmatch(group)):
        raise _wrong(yml, f"meta.group is {group!r}", "use a-z, 0-9 and _")
    if not (isinstance(export, list | tuple) and all(map(_is_text, export))):
        raise _wrong(yml, f"meta.export is {export!r}", "give a list of names of exports")
    if "rank" in meta and not group:
        raise _wrong(yml, f"meta.rank is {rank} without meta.group", "name the group, or no rank")
    content = hashlib.sha256(declaration + b"\0" + query).hexdigest()
    words = frozenset(re.findall(r"\w+", query.decode()))
    group = group or ""
    return Segment(name, description, owner, version, group, rank, tuple(export), content, words)


def _wrong(path: Path, what: str, then: str) -> WrongUsage:
    return WrongUsage(what, str(path), then)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _HIGHEST
