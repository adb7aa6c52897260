"""A test of the tests: a fault is put into a copy of the dbt project, and a test has to see it.

Belongs here: reading the faults (`tests/mutants/*.patch`, the reason in the first line), putting
them into a copy and running the tests of the rules over it. Not here: when that is done (`prove`).
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
PROJECT = REPOSITORY / "dbt_project"
PATCHES = REPOSITORY / "tests" / "mutants"
# By the first word of a mutant's name: the tests that put logs through what it changes.
TESTS = {
    "arrival": ("test_incremental.py", "test_items.py", "test_money.py"),
    "rule": (
        *("test_page_loads.py", "test_features.py", "test_sql_against_reference.py"),
        "test_money.py",
    ),
    "trigger": ("test_triggers.py", "test_triggers_of_items.py"),
}


class ProofError(RuntimeError):
    """What was to be proved is not so, or could not be tried; the message is one line."""


@dataclass(frozen=True)
class Mutant:
    """A fault that a test has to see.

    Attributes:
        path: its patch, made for `git apply` in the folder above `dbt_project`.
    """

    path: Path

    @property
    def name(self) -> str:
        """The patch's name without its ending."""
        return self.path.stem

    @property
    def kind(self) -> str:
        """What it is a fault of: `arrival`, `rule` or `trigger`."""
        return self.name.split("_")[0]

    @property
    def reason(self) -> str:
        """What is wrong in the mutant, in a sentence."""
        return self.path.read_text(encoding="utf-8").splitlines()[0]

    def put_into(self, folder: Path) -> Path:
        """A copy of the dbt project with the fault, in an empty folder.

        Raises:
            ProofError: the patch does not apply.
        """
        project = _copy_project(folder)
        done = subprocess.run(
            ["git", "apply", str(self.path)],
            cwd=folder,
            # a folder inside a repository would be patched there
            env={**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            why = " ".join(done.stderr.split())
            raise ProofError(f"the patch of mutant {self.name} no longer applies: {why}")
        return project

    def catch(self) -> str:
        """The first test that fails with the fault; `make test` has it.

        Raises:
            ProofError: none fails, the patch does not apply, or the tests cannot run over it.
        """
        with tempfile.TemporaryDirectory(prefix="comeback-mutant-") as name:
            done = _run_tests(self.put_into(Path(name)), self.kind)
        if done.returncode == 0:
            raise ProofError(f"no test sees mutant {self.name}: {self.reason}")
        # an error in a fixture is none: a project that dbt cannot build proves nothing
        caught = re.search(r"^FAILED tests/rules/(\S+)", done.stdout, re.MULTILINE)
        if done.returncode != 1 or caught is None:
            last = (done.stdout + done.stderr).strip().splitlines()[-1:]
            raise ProofError(f"the tests cannot run over mutant {self.name}: {' '.join(last)}")
        return caught[1]


def check_without_mutant(kind: str) -> None:
    """That the tests pass over a copy without any fault: else a failing one would prove nothing.

    Raises:
        ProofError: one fails, or they cannot run.
    """
    with tempfile.TemporaryDirectory(prefix="comeback-mutant-") as name:
        done = _run_tests(_copy_project(Path(name)), kind)
    if done.returncode:
        last = (done.stdout + done.stderr).strip().splitlines()[-1:]
        failed = re.findall(r"^FAILED .*", done.stdout, re.MULTILINE) or last
        raise ProofError(f"the {kind} tests fail without any mutant: {' '.join(failed)}")


def _copy_project(folder: Path) -> Path:
    ignored = shutil.ignore_patterns("target", "logs")
    return Path(shutil.copytree(PROJECT, folder / PROJECT.name, ignore=ignored))


def _run_tests(project: Path, kind: str) -> subprocess.CompletedProcess[str]:
    """The tests of a kind over a copy of the dbt project, until the first that fails."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "-o", "timeout=0"),
            *("-o", f"cache_dir={project.parent}/cache"),
            *(f"tests/rules/{test}" for test in TESTS[kind]),
        ],
        cwd=REPOSITORY,
        env={**os.environ, "COMEBACK_DBT_PROJECT": str(project)},
        capture_output=True,
        text=True,
        check=False,
    )


def mutants() -> list[Mutant]:
    """All mutants by name."""
    return [Mutant(path) for path in sorted(PATCHES.glob("*.patch"))]
