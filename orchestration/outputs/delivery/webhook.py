"""The manifest of an hour, and whatever else is sent to a web address.

Belongs here: one request. Not here: trying again (`attempts`), or what a manifest says
(`export_files`): nothing of any person.
"""

import hashlib
from collections.abc import Mapping, Sequence

_SECONDS = 30


def send(
    url: str, hour: str, manifest: bytes, token: str | None = None, lost: Sequence[str] = ()
) -> None:
    """Post a manifest as it is in the home; whoever gets it twice knows it by its key.

    Args:
        url: where to.
        hour: the hour's name.
        manifest: the bytes.
        token: sent as `Authorization: Bearer`, if there is one.
        lost: hours that never arrived at some address and never will, by name.

    Raises:
        OSError: it cannot be reached, or answers with something else than 2xx.
    """
    headers = {
        "X-Comeback-Hour": hour,
        "Idempotency-Key": hashlib.sha256(manifest).hexdigest(),
    }
    if lost:
        headers["X-Comeback-Lost-Hours"] = " ".join(lost)
    post(url, manifest, headers, token)


def post(url: str, content: bytes, headers: Mapping[str, str], token: str | None = None) -> None:
    """Post JSON to a web address, and to no other one that it may point to.

    Args:
        url: where to.
        content: the bytes.
        headers: what else is said.
        token: sent as `Authorization: Bearer`, if there is one.

    Raises:
        OSError: it cannot be reached, or answers with something else than 2xx.
    """
    from urllib.request import HTTPRedirectHandler, Request, build_opener

    class _Nowhere(HTTPRedirectHandler):
        """Another address was not set, so it is sent nothing."""

        def redirect_request(self, *_: object) -> None:
            """No request: the redirection is the answer."""

    given = {"Content-Type": "application/json", "User-Agent": "comeback", **headers}
    if token:
        given["Authorization"] = f"Bearer {token}"
    request = Request(url, data=content, headers=given, method="POST")
    with build_opener(_Nowhere).open(request, timeout=_SECONDS) as response:
        response.read(1)
