"""One command, one table: what a build and an hour cost, as ratios to plain statements.

    make bench                                                       a million events
    make bench BENCH="--events 1000000 5000000 20000000 --keep"      three histories; the results
                                                                     and their picture are kept

Every figure is of processes of their own, from start to end, on this machine and in this run; only
the ratios say something elsewhere. (a) a full build, compared with one statement that makes
sessions of the same files and nothing else; (b) that statement in polars and pandas; (c) one more
hour and (d) an hour with nothing new, medians, compared with the smallest history; (e) scoring many
carts; (f) a file's way through the sensors to the export; (g) the peak of memory of each.

Belongs here: the arguments, and printing as it goes. Not here: measuring.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from bench.measurements import CARTS, REPEATS, Bench
from bench.table import HEADER, Results, this_machine, today


def main() -> None:
    """Print the table as it grows."""
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--events", type=int, nargs="+", default=[1_000_000], help="sizes of the histories"
    )
    parser.add_argument("--carts", type=int, default=CARTS, help="carts to score (%(default)s)")
    parser.add_argument("--repeats", type=int, default=REPEATS, help="of an hour (%(default)s)")
    parser.add_argument("--keep", action="store_true", help="write the dated file and the picture")
    parser.add_argument("--scratch", type=Path, help="where the scratch folder is made")
    given = parser.parse_args()
    machine, rows, begun = this_machine(), [], time.monotonic()
    print(f"{machine.processor}, {machine.cores} cores, {machine.gigabytes} GB, {machine.system}")
    print(", ".join(f"{name} {number}" for name, number in machine.versions.items()), end="\n\n")
    print(HEADER, flush=True)
    with tempfile.TemporaryDirectory(dir=given.scratch, prefix="comeback_bench_") as folder:
        bench = Bench(Path(folder), given.events, given.carts, given.repeats)
        for row in bench.rows():
            rows.append(row)
            print(row, flush=True)
            if sys.stderr.isatty():
                print(f"[{time.monotonic() - begun:.0f} s]", end="\r", file=sys.stderr, flush=True)
    if given.keep:
        print(f"\nKept in {Results(today(), machine, rows, bench.slowest_nodes).keep()}")


if __name__ == "__main__":
    main()
