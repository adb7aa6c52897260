"""One command, one table: what a build and an hour cost, as ratios to plain statements.

    make bench                                                       a million events
    make bench BENCH="--events 1000000 5000000 20000000 --keep"      three histories; the results
                                                                     and their picture are kept
    make bench BENCH="--only ga4"                                    landing nested rows alone
    make bench BENCH="--only returning --events 10000000"            shoppers who come back, alone
    make bench BENCH="--only build hour empty --events 5000000 --checkouts ../before ."

The last is for comparing: it measures (a), (c) and (d) alone, of several checkouts (in each of
which `make setup` has run) over the same files, one after the other at each step. A build's `times`
are to the statement, an hour's to the first checkout. On a busy machine compare `CPU s`.

Every figure is of processes of their own, from start to end, on this machine and in this run; only
the ratios say something elsewhere. (a) a full build, compared with one statement that makes
sessions of the same files and nothing else; (b) that statement in polars and pandas; (c) one more
hour and (d) the same hour again, and the next with nothing new, medians, compared with the smallest
history; (e) scoring many carts; (f) a file's way through the sensors to the export; (g) the peak of
memory of each; (h) landing GA4's nested rows, compared with DuckDB's own reader of the same files;
(i) one more hour of a shop whose shoppers come back over ninety days, compared with one that has
their newest nine days alone.

Belongs here: the arguments, and printing as it goes. Not here: measuring.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from bench.measurements import ALONE, CARTS, REPEATS, Bench
from bench.processes import HERE, Checkout
from bench.table import HEADER, NOTES, Results, this_machine, today


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
    parser.add_argument(
        "--only",
        nargs="+",
        choices=ALONE,
        default=(),
        help="measure nothing else: full build (a), hour of more rows (c), with nothing new (d),"
        " landing GA4's rows (h), hour where shoppers come back (i)",
    )
    parser.add_argument(
        "--checkouts",
        nargs="+",
        type=Path,
        default=[HERE.root],
        metavar="FOLDER",
        help="with --only, whose code is measured (this one's)",
    )
    given = parser.parse_args()
    if given.keep and given.only:
        parser.error("--keep keeps the whole table: leave out --only")
    try:
        checkouts = [Checkout.at(folder) for folder in given.checkouts]
    except FileNotFoundError as error:
        parser.error(str(error))
    if checkouts != [HERE] and not given.only:
        parser.error("--checkouts compares parts of the table: name them with --only")
    machine, rows, begun = this_machine(), [], time.monotonic()
    print(f"{machine.processor}, {machine.cores} cores, {machine.gigabytes} GB, {machine.system}")
    print(", ".join(f"{name} {number}" for name, number in machine.versions.items()), end="\n\n")
    print(*NOTES, sep="\n", end="\n\n")
    print(HEADER, flush=True)
    with tempfile.TemporaryDirectory(dir=given.scratch, prefix="comeback_bench_") as folder:
        bench = Bench(
            Path(folder).resolve(), given.events, given.carts, given.repeats, given.only, checkouts
        )
        for row in bench.rows():
            rows.append(row)
            print(row, flush=True)
            if sys.stderr.isatty():
                print(f"[{time.monotonic() - begun:.0f} s]", end="\r", file=sys.stderr, flush=True)
    if given.keep:
        print(f"\nKept in {Results(today(), machine, rows, bench.slowest_nodes, NOTES).keep()}")


if __name__ == "__main__":
    main()
