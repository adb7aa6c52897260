"""The exceptions that a person is meant to read.

Belongs here: failures whose text is one line of what, where and what to do. Not here: printing
them (`cli`), or wrapping of errors that are bugs; those keep their traceback.
"""


class ComebackError(Exception):
    """A failure that its reader can act on.

    Args:
        what: what went wrong, as a clause without a full stop.
        where: the file, table, key or process concerned.
        todo: what to do about it.
    """

    def __init__(self, what: str, where: str, todo: str) -> None:
        """Join the three parts into the one line that is shown."""
        super().__init__(" ".join(f"{what}, {where}, {todo}".split()))


class WrongUsage(ComebackError):  # noqa: N818  not a failure of the program
    """What was asked for cannot be meant, such as a path that is not there: exit code 2."""


class WrongKey(ComebackError):  # noqa: N818  not a failure of the program
    """The key that is given is not the one that the warehouse was encrypted with."""


class Explained(ComebackError):  # noqa: N818  the line of one
    """A failure whose line was written before, by the run that it stopped."""

    def __init__(self, line: str) -> None:
        """Keep the line."""
        Exception.__init__(self, line)
