"""Telling somebody that a run failed, or that a check began to: to a web address or by mail.

Belongs here: what is sent, and sending it. Not here: when (`dagster.alert_sensors`). Nothing of any
person is in it: it says what Dagster's record says.
"""

import json
import logging
import smtplib
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from hashlib import sha256

from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.outputs.delivery import credentials, webhook
from orchestration.outputs.delivery.attempts import PAUSES, attempt, reason_of

logger = logging.getLogger(__name__)

_SECONDS = 30
# Whoever waits for it waits in the UI's daemon, which has more to do.
_UNTIL = 3


def tell(
    home: Home,
    settings: Settings,
    subject: str,
    lines: Sequence[str],
    facts: Mapping[str, object],
    pauses: Sequence[float] = PAUSES[:_UNTIL],
) -> str | None:
    """Send an alert to `notify_failures`.

    Args:
        home: whose it is; credentials lie there.
        settings: the address.
        subject: what happened, in one line.
        lines: more of it.
        facts: the same for programs.
        pauses: seconds before each further try.

    Returns:
        Why it did not arrive; None if it did.
    """
    options = credentials.options_of(
        credentials.ALERT, credentials.read_file(home.root), [*settings.exports, credentials.ALERT]
    )
    address = settings.notify_failures

    def send() -> None:
        if address.startswith("mailto:"):
            _mail(address.removeprefix("mailto:"), settings.mail_server, subject, lines, options)
            return
        text = "\n".join([f"Comeback: {subject}", *lines])
        content = json.dumps({"text": text, **facts}).encode()
        headers = {"Idempotency-Key": sha256(content).hexdigest()}
        webhook.post(address, content, headers, options.get("token"))

    try:
        attempt(send, pauses=pauses, limit_seconds=2 * _SECONDS)
    except Exception as error:  # noqa: BLE001  an alert that is not heard stops nothing
        reason = reason_of(error)
        logger.warning("An alert was not delivered: %s.", reason)
        return reason
    return None


def _mail(
    to: str, server: str, subject: str, lines: Sequence[str], options: Mapping[str, str]
) -> None:
    message = EmailMessage()
    message["Subject"] = f"Comeback: {subject}"
    message["From"] = options.get("from", to)
    message["To"] = to
    message.set_content("\n".join(lines) + "\n")
    host, port = server.rsplit(":", 1)
    with smtplib.SMTP(host, int(port), timeout=_SECONDS) as smtp:
        smtp.ehlo()
        if smtp.has_extn("starttls"):
            smtp.starttls()
        if "user" in options:
            smtp.login(options["user"], options.get("password", ""))
        smtp.send_message(message)
