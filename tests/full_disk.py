"""A disk without room, as a process meets it.

Belongs here: the one way tests have to make writes fail for real. A full file system of its own
would need the right to mount one; the limit on the size of files is everybody's to set, and every
write past it fails in the system itself, under DuckDB and SQLite as under Python.
"""

import resource
from collections.abc import Iterator
from contextlib import contextmanager


def limit_files(size: int) -> None:
    """Let no file of this process grow beyond so many bytes, until the limit is set again."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """The limit, as long as the context lasts."""
    limit_files(size)
    try:
        yield
    finally:
        limit_files(resource.RLIM_INFINITY)
