"""What every run does first and last, whichever job it is and whoever started it.

Belongs here: taking the run lock, opening the run's row in `scores.runs`, and closing it as failed
unless the job closed it as done. Not here: what the job does in between (`assets`).
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime

import duckdb

from orchestration import ledger, simulated, warehouse
from orchestration.home import Home
from orchestration.hours import utc_now
from orchestration.intake import find_delivered, known_sources, standing_deliveries
from orchestration.registry import Registry
from orchestration.settings import Settings, load_settings


@dataclass(frozen=True)
class Run:
    """One run, while it holds the lock.

    Attributes:
        run_id: Dagster's id of it.
        home: whose state it works on.
        settings: what the shop had set when it began.
    """

    run_id: str
    home: Home
    settings: Settings

    @property
    def registry(self) -> Registry:
        """The models."""
        return Registry(self.home.models)

    def open_warehouse(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A connection to the warehouse; dbt can only run while none is open."""
        return warehouse.connect(self.home, self.settings)

    def note(self, **values: object) -> None:
        """Set columns of the run's row in `scores.runs`."""
        with self.open_warehouse() as connection:
            ledger.note_run(connection, self.run_id, **values)

    def finish(self) -> None:
        """Note that the job is done."""
        with self.open_warehouse() as connection:
            ledger.end_run(connection, self.run_id, "done", utc_now())

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """Note that the job is done before its last step, which copies it; undo that on failure.

        What a killed run cannot undo, the next one does (`ledger.fail_unpublished`).
        """
        self.finish()
        try:
            yield
        except BaseException:
            with self.open_warehouse() as connection:
                ledger.end_run(connection, self.run_id, "failed", utc_now())
            raise


@contextmanager
def open_run(home: Home, run_id: str, job: str, as_of: datetime | None) -> Iterator[Run]:
    """Hold the lock for a run and keep its row; a row nobody closed as done ends as failed.

    Raises:
        ComebackError: the settings are wrong, or another run does not end in time.
    """
    home.prepare()
    settings = load_settings(home.root)
    run = Run(run_id, home, settings)
    with home.lock():
        deliveries = standing_deliveries(home, settings, known_sources())
        simulated.make_way_for(home, find_delivered(known_sources(), deliveries))
        with run.open_warehouse() as connection:
            warehouse.ensure_score_tables(connection)
            ledger.fail_unpublished(connection, home.published)
            ledger.begin_run(
                connection,
                run_id,
                job=job,
                as_of=as_of,
                started_at=utc_now(),
                settings=settings,
            )
        try:
            yield run
        finally:
            with run.open_warehouse() as connection:
                ledger.end_if_running(connection, run_id, utc_now())
