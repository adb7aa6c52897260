"""The rules of people in plain Python, slow and short, to hold the SQL to.

Belongs here: which profile counts and what is suppressed, out of rows whose times can be read. Not
here: reading times, numbers or countries; the cases of `test_vault` show those.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

Row = Mapping[str, str]

GRANTED = {"granted", "true", "yes", "1", "subscribed", "opted_in"}
CONSENTS = ("email_consent", "sms_consent", "ad_user_data_consent", "ad_personalization_consent")
NEEDED = {"email": [0], "sms": [1], "ads": [2, 3], "onsite": []}
STATUS = {"bounced": "bounced", "complained": "complaint", "unsubscribed": "unsubscribed"}


def consents(row: Row) -> list[bool]:
    return [row.get(name, "").strip().lower() in GRANTED for name in CONSENTS]


def current(profiles: Iterable[Row], instant: str) -> dict[str, tuple[str, list[bool], str]]:
    """By user: the normalised e-mail, the consents and the time of the row that counts."""
    found = {}
    known = [row for row in profiles if row["updated_at"] <= instant]
    for user in {row["user_id"] for row in known}:
        own = [row for row in known if row["user_id"] == user]
        newest = max(row["updated_at"] for row in own)
        alike = [row for row in own if row["updated_at"] == newest]
        least = min(sum(consents(row)) for row in alike)
        emails = {plain(row.get("email", "")) for row in alike if sum(consents(row)) == least}
        allowed = [all(each) for each in zip(*map(consents, alike), strict=True)]
        found[user] = (min(emails), allowed, newest) if len(emails) == 1 else ("", allowed, newest)
    return found


def plain(email: str) -> str:
    return "".join(email.split()).lower()


def suppressed(
    profiles: Iterable[Row], suppressions: Iterable[Row], contacts: Iterable[Row], instant: str
) -> set[tuple[str, str, str]]:
    """Channel, user and reason of what is suppressed for whoever has a profile."""
    every = [
        (row["channel"], row.get("user_id"), row.get("email"), row["reason"], row["suppressed_at"])
        for row in suppressions
    ]
    every += [
        (
            row["channel"],
            row.get("user_id"),
            row.get("email"),
            STATUS[row["status"]],
            row["contacted_at"],
        )
        for row in contacts
        if row["status"] in STATUS
    ]
    found = set()
    for channel, user, email, reason, since in every:
        if since > instant:
            continue
        for each in NEEDED if channel == "all" else [channel]:
            for person, (address, *_) in current(profiles, instant).items():
                addresses = {address}
                if reason in ("unsubscribed", "complaint"):  # said by whoever had it then
                    addresses |= held(profiles, person, since)
                if not (person == user or (email and plain(email) in addresses - {""})):
                    continue
                granted_at = granted_since(profiles, person, NEEDED[each], instant)
                if not (reason == "unsubscribed" and granted_at > since):
                    found.add((each, person, reason))
    return found


def held(profiles: Iterable[Row], user: str, since: str) -> set[str]:
    """The addresses that a user had at a time, or within seven days before it."""
    own = [row for row in profiles if row["user_id"] == user]
    times = sorted({row["updated_at"] for row in own if row["updated_at"] <= since})
    found = set()
    for time, replaced_at in zip(times, [*times, since][1:], strict=True):
        until = datetime.fromisoformat(replaced_at) + timedelta(days=7)
        if datetime.fromisoformat(since) < until:
            found.add(current(own, time)[user][0])
    return found


def granted_since(profiles: Iterable[Row], user: str, needed: list[int], instant: str) -> str:
    """The first time of the unbroken run in which all that is needed is granted; "" without one."""
    own = [row for row in profiles if row["user_id"] == user and row["updated_at"] <= instant]
    since = ""
    for time in sorted({row["updated_at"] for row in own}, reverse=True):
        _, allowed, _ = current(own, time)[user]
        if not needed or not all(allowed[at] for at in needed):
            break
        since = time
    return since
