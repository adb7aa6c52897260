"""Everything that takes too long for `make test`; a dated line of it stays.

    make prove                               all of it, several hours
    make prove PROVE="--only kills mutants"  some of its parts

mutants: faults in a copy of the dbt project that `make test` has to see. sizes: ten million rows,
ten thousand files, two hundred hours, and every other long test. seeds: the random logs of the
rules, many more of them, alone and together. models: chances and plans beside the truth of
simulated shops. kills: a hundred times an hour is begun, killed -9 at a random moment, run again
and compared.

The first part that fails, or is ended by Ctrl-C, is the last, with one line and exit code 1. The
line in `results/prove.jsonl` is written in either case.

Belongs here: what there is to prove, in which order, and the line. Not here: the tests themselves.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from bench.mutants import REPOSITORY, TESTS, ProofError, check_without_mutant, mutants
from bench.table import RESULTS, this_machine, today

LINES = RESULTS / "prove.jsonl"
JUDGED = "test_*_judged_by_truth.py"

Found = dict[str, object]


def seeds() -> Found:
    """Many more random logs through the rules."""
    return _run_heavy("tests/rules")


def sizes() -> Found:
    """Ten million rows, ten thousand files, two hundred hours."""
    return _run_heavy("tests", "--ignore", "tests/rules", "--ignore-glob", f"*/{JUDGED}")


def models() -> Found:
    """Chances and plans, beside the truth of simulated shops."""
    return _run_heavy(*sorted(map(str, (REPOSITORY / "tests").rglob(JUDGED))))


def kills() -> Found:
    """A hundred hours killed at a random moment."""
    out = _run([sys.executable, "-m", "tests.whole.kills"])
    counted = re.search(
        r"^(\d+) kills, (\d+) looks of a reader, (\d+) trials with a fault", out, re.M
    )
    if counted is None or counted[3] != "0":
        fault = re.search(r"^ *\d+ (killed at .*: (?!equal to the twin).*)", out, re.M)
        raise ProofError(f"kills: {fault[1] if fault else _last(out)}")
    return {"kills": int(counted[1]), "looks": int(counted[2])}


def caught_mutants() -> Found:
    """Which test sees which mutant."""
    caught = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(check_without_mutant, TESTS))
        waiting = [(mutant, pool.submit(mutant.catch)) for mutant in mutants()]
        try:
            for mutant, outcome in waiting:
                caught[mutant.name] = outcome.result()
                print(f"{mutant.name}: {caught[mutant.name]}", flush=True)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return {"caught": caught}


PARTS: dict[str, Callable[[], Found]] = {
    "mutants": caught_mutants,
    "sizes": sizes,
    "seeds": seeds,
    "models": models,
    "kills": kills,
}


def prove(names: Sequence[str], lines: Path = LINES) -> str | None:
    """Prove the parts one after the other and write the line; what failed, None if nothing did."""
    failure, parts = None, {}
    for name in names:
        begun = time.monotonic()
        print(f"{name}: {PARTS[name].__doc__}", flush=True)
        try:
            found = PARTS[name]()
        except ProofError as error:
            failure, found = " ".join(str(error).split()), {}
        except KeyboardInterrupt:
            failure, found = f"{name}: ended by hand", {}
        parts[name] = {"seconds": round(time.monotonic() - begun), **found}
        if failure:
            break
    line = {
        "date": today(),
        "is_proved": failure is None,
        "failure": failure,
        "parts": parts,
        "machine": asdict(this_machine()),
    }
    lines.parent.mkdir(exist_ok=True)
    with lines.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    return failure


def _run_heavy(*arguments: str) -> Found:
    """Run the tests that are marked heavy, to the end: one that fails hides no other."""
    command = [sys.executable, "-m", "pytest", "-m", "heavy", "-q", "--tb=short"]
    spread = ["--numprocesses", "auto", "--dist", "loadgroup", "--no-loadscope-reorder"]
    out = _run([*command, *spread, *arguments])
    # libraries may print something after pytest's last line
    passed = re.search(r"^(?:=+ )?(\d+) passed.* in ", out, re.M)
    failed = re.findall(r"^(?:FAILED|ERROR) .*", out, re.M)
    if failed or passed is None:
        raise ProofError("; ".join(failed) or f"{' '.join(arguments)}: {_last(out)}")
    return {"tests": int(passed[1])}


def _run(command: Sequence[str]) -> str:
    """What a command prints, which is shown as it comes; its exit code is the reader's to judge."""
    shown = []
    with subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        while piece := os.read(process.stdout.fileno(), 4096):
            shown.append(piece)
            sys.stdout.buffer.write(piece)
            sys.stdout.flush()
    return b"".join(shown).decode(errors="replace")


def _last(out: str) -> str:
    return (out.strip().splitlines() or ["it said nothing"])[-1]


def main() -> int:
    """Prove what is asked for; 1 if any of it failed."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.prove",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=[*PARTS], metavar="PART")
    failure = prove(parser.parse_args().only)
    if failure:
        print(f"prove: {failure}", file=sys.stderr)
    return 1 if failure else 0


if __name__ == "__main__":
    sys.exit(main())
