"""Doing something at a server that may fail, again if that can help, and saying what failed.

Belongs here: pauses, limits of time, and words for failures. Not here: what is done (`targets`).

A failure is put in our own words, by the kind of the exception: what a library says of one may
hold an address with its key, or a part of an answer.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from math import inf
from typing import TypeVar

from orchestration.ground.errors import ComebackError
from orchestration.ground.failures import chain

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

# seconds between tries: a server that fails half the requests fails six of them in one of 64 cases
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
# longer than the largest file takes on a slow line; who hangs for so long is not asked again
LIMIT_SECONDS = 600.0
# for all that one address gets in an hour: what is over then comes with the next
ADDRESS_SECONDS = 900.0

_TOO_SLOW = "OperationTookTooLong"
# by the name of an exception or of a class it comes from, the first that fits, whether trying again
# can help, and the words
_KINDS = (
    ("HostKeyNotVerifiable", False, "its SSH host key is not that of a known host"),
    ("NoCredentialsError", False, "there are no credentials for it"),
    ("PartialCredentialsError", False, "there are no whole credentials for it"),
    ("KeyImportError", False, "the private key cannot be read"),
    ("KeyEncryptionError", False, "the private key needs another passphrase"),
    ("PermissionDenied", False, "it does not let us in with these credentials"),
    ("SFTPPermissionDenied", False, "it does not let us write there"),
    ("PermissionError", False, "it does not let us in, or not write there"),
    ("ImportError", False, "the Python package for this kind of address is not installed"),
    (_TOO_SLOW, False, "it took longer than an address may"),
    ("gaierror", True, "its name cannot be resolved"),
    ("TimeoutError", True, "it did not answer in time"),
    ("ConnectionLost", True, "the connection broke"),
    ("ConnectionError", True, "it cannot be reached, or broke the connection"),
    ("ConnectionClosedError", True, "it broke the connection"),
    ("EndpointConnectionError", True, "it cannot be reached"),
    ("FileNotFoundError", False, "there is no such folder or bucket"),
    ("SFTPError", True, "it reported a failure"),
    ("DisconnectError", True, "it ended the connection"),
)


class OperationTookTooLong(Exception):  # noqa: N818  a kind of failure, not a failure of ours
    """A server accepted a request and did not end it."""


def attempt(
    function: Callable[[], Result],
    *,
    pauses: Sequence[float] = PAUSES,
    limit_seconds: float = LIMIT_SECONDS,
    until: float = inf,
) -> Result:
    """What the function gives, which is called again after a pause where that can help.

    Args:
        function: may be called several times.
        pauses: seconds before each further try.
        limit_seconds: how long one call may take; then it is left alone.
        until: when all calls must have ended, by the clock `time.monotonic`, in seconds.

    Raises:
        Exception: that of the last try.
    """
    for pause in (*pauses, None):
        try:
            return _within(min(limit_seconds, until - time.monotonic()), function)
        except Exception as error:
            is_last = pause is None or time.monotonic() + pause >= until
            if is_last or not can_pass(error):
                raise
            logger.debug("Trying again in %s s: %s.", pause, reason_of(error))
            time.sleep(pause)
    raise AssertionError("the last try returns or raises")


def can_pass(error: BaseException) -> bool:
    """Whether trying again can help: so it is with every failure that is not known better."""
    if isinstance(error, ComebackError):
        return False
    if (code := _http_code(error)) is not None:
        return code >= 500 or code in (408, 425, 429)
    return next((can for name, can, _ in _KINDS if _is_kind(error, name)), True)


def reason_of(error: BaseException) -> str:
    """What failed, in words of ours; a failure of ours as it is."""
    if isinstance(error, ComebackError):
        return str(error)
    if (code := _http_code(error)) is not None:
        return f"it answered {code}"
    wrapped = [*chain(error)]
    for name, _, words in _KINDS:
        if any(_is_kind(each, name) for each in wrapped):
            return words
    return f"it failed with {type(error).__name__}"


def _is_kind(error: BaseException, name: str) -> bool:
    return any(each.__name__ == name for each in type(error).__mro__)


def _http_code(error: BaseException) -> int | None:
    code = getattr(error, "code", None)
    return code if _is_kind(error, "HTTPError") and isinstance(code, int) else None


def _within(seconds: float, function: Callable[[], Result]) -> Result:
    """What the function gives; it runs in a thread, which is left behind if it does not end."""
    if seconds <= 0:
        raise OperationTookTooLong
    results: list[Result] = []
    failures: list[BaseException] = []

    def call() -> None:
        try:
            results.append(function())
        except BaseException as error:  # noqa: BLE001  raised again by whoever waits
            failures.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(seconds)
    if failures:
        raise failures[0]
    if not results:
        raise OperationTookTooLong
    return results[0]
