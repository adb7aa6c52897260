"""Kill -9 in the middle of an hour, again and again, and see that nobody can tell afterwards.

    make prove PROVE="--only kills"           a hundred times
    python -m tests.whole.kills --times 10    ten times

Belongs here: the killing, the reader that looks all the while, and the command. Not here: the shop
and its twin (`twins`), or how many kills make a test (`test_kills`).
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import duckdb

from tests.whole.twins import (
    SECOND_HOUR,
    Shop,
    begin_hour,
    columns_compared,
    differences,
    kill,
    open_shop,
    run_to_the_end,
)

POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Trial:
    """One second hour that was killed, once or more, and then run to its end.

    Attributes:
        kills: how many processes were alive when they were killed.
        polls: how often the reader looked.
        faults: whatever is not as it should be, as sentences.
    """

    kills: int
    polls: int
    faults: Sequence[str]


def kill_and_go_on(
    shop: Shop,
    home: Path,
    moments: Sequence[float],
    prepare: Callable[[], object] | None = None,
) -> Trial:
    """Begin the second hour once for each moment and kill it then; run it to its end; compare.

    Args:
        shop: the shop.
        home: where to put the copy; it is removed unless there is a fault.
        moments: when to kill, in seconds since the process began.
        prepare: called in each process before the hour.
    """
    shutil.copytree(shop.before, home)
    kills = 0
    with _Reader(home, shop).reading() as reader:
        for moment in moments:
            process = begin_hour(home, SECOND_HOUR, hinder=prepare)
            process.join(moment)
            kills += kill(process)
        run_to_the_end(home, SECOND_HOUR, hinder=prepare)
    faults = [*dict.fromkeys(reader.faults), *differences(home, shop.twin)]
    if not faults:
        shutil.rmtree(home)
    return Trial(kills, reader.polls, faults)


def moments_over(seconds: float, times: int, seed: int) -> Iterator[float]:
    """One random moment in each of `times` equal parts of the seconds, in random order."""
    dice = random.Random(seed)
    parts = [*range(times)]
    dice.shuffle(parts)
    for part in parts:
        yield (part + dice.random()) / times * seconds


@dataclass
class _Reader:
    """An analyst and an e-mail tool that look all the time: they see the first or the second hour.

    Attributes:
        home: what they look at.
        shop: what there is to be seen.
        polls: how often they looked.
        faults: what they should not have seen.
    """

    home: Path
    shop: Shop
    polls: int = 0
    faults: list[str] = field(default_factory=list)

    @contextmanager
    def reading(self) -> Iterator["_Reader"]:
        """Look, in a thread of its own."""
        is_over = threading.Event()
        thread = threading.Thread(target=self._look_until, args=(is_over,))
        thread.start()
        try:
            yield self
        finally:
            is_over.set()
            thread.join()

    def _look_until(self, is_over: threading.Event) -> None:
        hours = (self.shop.before, self.shop.twin)
        views = {view: [view(home) for home in hours] for view in (_published, _exported)}
        while not is_over.wait(POLL_SECONDS):
            self.polls += 1
            for view, known in views.items():
                try:
                    seen = view(self.home)
                except (duckdb.Error, OSError, ValueError, LookupError) as error:
                    self.faults.append(f"a reader met {type(error).__name__}: {error}")
                    continue
                if seen not in known:
                    self.faults.append(f"a reader saw neither hour: {seen}")


def _published(home: Path) -> tuple:
    """What the published file says: the newest run's hour, and of every other table a hash."""
    path = home / "published" / "analytics.duckdb"
    now = path.stat()
    return _said_by(path, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns)


@lru_cache(maxsize=8)
def _said_by(path: Path, *_state: int) -> tuple:
    """What a file says; read once as long as nobody touches it, or to read took as much as the
    hours that are killed."""
    with duckdb.connect(str(path), read_only=True) as connection:
        names = connection.execute(
            "select table_name from duckdb_tables() where table_name != 'runs' order by 1"
        ).fetchall()
        queries = [
            "select max(as_of) from runs where carts_scored is not null",
            *(
                f"select '{name}', bit_xor(hash(row)) from"
                f" (select {columns_compared(f'main.{name}')} from {name}) as row"
                for (name,) in names
            ),
        ]
        return tuple(connection.execute(query).fetchall()[0] for query in queries)


def _exported(home: Path) -> tuple:
    """What the newest export says: its hour, and the one sha256 that all files name."""
    folder = home / "exports"
    pointer = json.loads((folder / "latest.json").read_bytes())
    content = (folder / pointer["path"]).read_bytes()
    manifest = json.loads((folder / pointer["path"]).with_name("manifest.json").read_bytes())
    hashes = {pointer["sha256"], manifest["sha256"], sha256(content).hexdigest()}
    return pointer["hour"], manifest["hour"], *sorted(hashes)


def main() -> int:
    """Kill so many times, report every trial; 1 if any had a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.whole.kills", description=__doc__)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--until-fault", action="store_true", help="end with the first fault")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="comeback-kills-"))
    shop = open_shop(folder)
    print(f"an undisturbed hour takes {shop.seconds:.1f} s")
    kills = polls = faulty = 0
    moments = moments_over(shop.seconds, given.times, given.seed)
    for number, moment in enumerate(moments, start=1):
        trial = kill_and_go_on(shop, folder / f"trial_{number}", [moment])
        while not (trial.kills or trial.faults):  # the hour was faster than the twin's
            moment /= 2
            trial = kill_and_go_on(shop, folder / f"trial_{number}", [moment])
        kills, polls = kills + trial.kills, polls + trial.polls
        faulty += bool(trial.faults)
        outcome = "; ".join(trial.faults) or "equal to the twin"
        print(f"{number:4} killed at {moment:.2f} s: {outcome}", flush=True)
        if faulty and given.until_fault:
            break
    print(f"{kills} kills, {polls} looks of a reader, {faulty} trials with a fault")
    if faulty:
        print(f"what is left of them lies in {folder}")
    else:
        shutil.rmtree(folder)
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main())
