"""The one exception that a person is meant to read.

Belongs here: the failure whose text is one line of what, where and what to do. Not here: printing
it (`cli`), or wrapping of errors that are bugs; those keep their traceback.
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
