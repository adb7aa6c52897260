"""Where a shop's state lies, and the lock that lets one run at a time touch it.

Belongs here: the paths under `COMEBACK_HOME`, the file that says how Dagster keeps its own
state, and the run lock. Not here: what is in the files.
"""

import fcntl
import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestration.ground.checkout import REPOSITORY
from orchestration.ground.encryption import require_extension
from orchestration.ground.errors import ComebackError
from orchestration.ground.files import keep_private, make_private, replace_file

logger = logging.getLogger(__name__)

# Longer than an hour takes, shorter than the time until the next one.
LOCK_WAIT_SECONDS = 20 * 60.0

# dbt-duckdb reads the path of the warehouse as an address, and cuts it at # and ?. Dagster looks
# for its instance file by a pattern of names, where [ and * are no letters, and undoes codes such
# as %20 in the address of its tables.
_NOT_IN_PATHS = re.compile(r"[#?*\[]|%[0-9A-Fa-f]{2}")

DAGSTER_YAML = """\
# Written by Comeback where it was missing; edit it freely, it is not written again.
telemetry: {enabled: false}
nux: {enabled: false}
# The warehouse has one writer, so runs queue up behind one another.
concurrency: {runs: {max_concurrent_runs: 1}}
run_monitoring: {enabled: true}
retention:
  schedule: {purge_after_days: 90}
  sensor: {purge_after_days: {skipped: 1, failure: 30, success: 90}}
# What the plain modules log is seen in the run it belongs to.
python_logs: {managed_python_loggers: [orchestration], python_log_level: INFO}
"""


@dataclass(frozen=True)
class Home:
    """The folder that holds one shop's state.

    Attributes:
        root: the folder.
        sources_folder: where below it the shop's own sources lie; see `good_sources`.
    """

    root: Path
    sources_folder: str = "sources"

    @classmethod
    def from_environment(cls) -> "Home":
        """`$COMEBACK_HOME`, else the checkout's `data/`."""
        return cls(Path(os.environ.get("COMEBACK_HOME") or REPOSITORY / "data").resolve())

    @property
    def landing(self) -> Path:
        """Dumps as they were delivered, a folder a source."""
        return self.root / "landing"

    @property
    def sources(self) -> Path:
        """The shop's own sources, two files each."""
        return self.root / self.sources_folder

    @property
    def segments(self) -> Path:
        """The shop's own segments, two files each."""
        return self.root / "segments"

    @property
    def warehouse(self) -> Path:
        """The private database, opened by the pipeline only."""
        return self.root / "warehouse.duckdb"

    @property
    def remembered_locations(self) -> Path:
        """Which dumps were landed from elsewhere than the configured folders."""
        return self.root / "deliveries.json"

    @property
    def models(self) -> Path:
        """The models, a folder each."""
        return self.root / "models"

    @property
    def published(self) -> Path:
        """The database that analysts open."""
        return self.root / "published" / "analytics.duckdb"

    @property
    def report(self) -> Path:
        """The page for whoever writes no SQL, beside the published database."""
        return self.published.with_name("report.html")

    @property
    def exports(self) -> Path:
        """The CSV files for e-mail and ads tools."""
        return self.root / "exports"

    @property
    def delivery_record(self) -> Path:
        """Which exports arrived at the addresses that they are delivered to."""
        return self.root / "delivery_record.json"

    @property
    def dagster(self) -> Path:
        """Dagster's own state (`DAGSTER_HOME`)."""
        return self.root / "dagster"

    @property
    def dbt(self) -> Path:
        """What dbt writes: the parsed project and compiled SQL."""
        return self.root / "dbt"

    @property
    def rectified(self) -> Path:
        """Corrections of people's profiles, as dumps of Comeback's own."""
        return self.root / "rectified"

    @property
    def erasures(self) -> Path:
        """What was erased when, without ids, and the key of the hash that stands for them."""
        return self.root / "erasures"

    @property
    def erasure_key(self) -> Path:
        """The key by which erased people are recognised; without it they could come back."""
        return self.erasures / "key"

    @property
    def tombstones(self) -> Path:
        """A copy of the tombstones, for a warehouse that has to be rebuilt."""
        return self.erasures / "tombstones"

    @property
    def holdout_key(self) -> Path:
        """The key by which the holdout is drawn, where the shop gives none of its own."""
        return self.root / "holdout_key"

    @property
    def temporary(self) -> Path:
        """Where DuckDB spills what does not fit into memory."""
        return self.root / "tmp"

    def prepare(self) -> None:
        """Make the folders and Dagster's instance file where they are missing.

        The warehouse has personal data, so the folder that it lies in is its owner's only: one
        that is made here, and the checkout's before it is used for the first time. A folder that a
        shop made itself, or opened to others afterwards, is left as it is. So are the folders in
        it, of which those for others, published and exports, are made as the system makes folders.

        Raises:
            ComebackError: the folder cannot be written to, dbt or Dagster would take its name for
                another, or the warehouse is to be encrypted and DuckDB cannot.
        """
        require_extension()
        if _NOT_IN_PATHS.search(str(self.root)):
            raise ComebackError(
                "state cannot lie in a folder with #, ?, *, [ or a code such as %20 in its name",
                str(self.root),
                "set COMEBACK_HOME to another folder",
            )
        private = (self.root, self.temporary, self.landing, self.models, self.dagster, self.dbt)
        try:
            is_new = self.root == REPOSITORY / "data" and not self._was_used()
            if is_new and keep_private(self.root):
                logger.info(
                    "Made %s its owner's only, for personal data will lie there.", self.root
                )
            for folder in private:
                make_private(folder)
            for folder in (self.published.parent, self.exports):
                folder.mkdir(parents=True, exist_ok=True)
            instance_file = self.dagster / "dagster.yaml"
            if not instance_file.exists():
                replace_file(instance_file, DAGSTER_YAML.encode())
        except OSError as error:
            raise ComebackError(
                f"cannot write state ({error.strerror})",
                str(error.filename or self.root),
                "free it, or set COMEBACK_HOME to a folder that can be written to",
            ) from error

    def _was_used(self) -> bool:
        """Whether anything was done here before, also if the warehouse was deleted since."""
        return any(each.exists() for each in (self.warehouse, self._lock_file, self.dagster))

    @property
    def _lock_file(self) -> Path:
        return self.root / "run.lock"

    @contextmanager
    def lock(self, wait_seconds: float = LOCK_WAIT_SECONDS) -> Iterator[None]:
        """Hold the run lock; it goes with the process, so a killed run leaves none behind.

        Raises:
            ComebackError: another process still holds it after `wait_seconds`.
        """
        with self._lock_file.open("a+", encoding="ascii") as file:
            _wait_for_lock(file.fileno(), self.lock_holder, wait_seconds)
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            try:
                yield
            finally:
                file.truncate(0)

    def lock_holder(self) -> str:
        """The process id that the holder of the lock wrote down, `unknown` if it did not yet."""
        try:
            return self._lock_file.read_text(encoding="ascii") or "unknown"
        except FileNotFoundError:
            return "unknown"


def _wait_for_lock(descriptor: int, holder: Callable[[], str], wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    is_announced = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise ComebackError(
                    "another run is going on",
                    f"process {holder()} holds the lock",
                    "wait for it to end, or end it",
                ) from None
        if not is_announced:
            logger.info("Waiting for the run of process %s to end.", holder())
            is_announced = True
        time.sleep(0.2)
