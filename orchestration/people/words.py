"""The words that rows about people are written in, and the SQL that reads them.

Belongs here: which words allow, and what channels, reasons and statuses there are. Not here: which
row counts (`vault`, `known_at`).
"""

from collections.abc import Mapping

from orchestration.ground.sql import literal

GRANTED = ("granted", "true", "yes", "1", "subscribed", "opted_in")
"""What allows, in any case; anything else, and nothing, does not."""

CONSENTS = ("email_consent", "sms_consent", "ad_user_data_consent", "ad_personalization_consent")
"""The consents of a profile, in the order of its columns."""

CHANNEL_CONSENTS: Mapping[str, tuple[str, ...]] = {
    "email": CONSENTS[:1],
    "sms": CONSENTS[1:2],
    "ads": CONSENTS[2:],
    "onsite": (),
}
"""By channel, the consents that it needs all of; a channel without one is lifted by none."""

CHANNELS = (*CHANNEL_CONSENTS, "all")
UNSUBSCRIBED = "unsubscribed"
FOR_GOOD = "manual"
ASKED_FOR = (UNSUBSCRIBED, "complaint")
"""The reasons that are a person's own word, and no fault of an address."""

_CHANNELS = {
    **{name: name for name in CHANNELS},
    "mail": "email",
    "text": "sms",
    "ad": "ads",
    "advertising": "ads",
}
_SPAM = ("complaint", "complained", "spam", "spamcomplaint", "spamreport", "markedasspam", "abuse")
_REASONS = {
    **dict.fromkeys((UNSUBSCRIBED, "unsubscribe", "unsub", "optedout", "optout"), UNSUBSCRIBED),
    **dict.fromkeys(_SPAM, "complaint"),
    **dict.fromkeys(("bounced", "bounce", "hardbounce", "hardbounced"), "bounced"),
    FOR_GOOD: FOR_GOOD,
}
_STATUS_OF = {"complaint": "complained", "bounced": "bounced", UNSUBSCRIBED: UNSUBSCRIBED}
# whatever says why nobody may write also says so of a message
_STATUSES = {
    **dict.fromkeys(("sent", "send"), "sent"),
    "delivered": "delivered",
    **dict.fromkeys(("opened", "open"), "opened"),
    **dict.fromkeys(("clicked", "click"), "clicked"),
    **{word: _STATUS_OF[reason] for word, reason in _REASONS.items() if reason in _STATUS_OF},
}
SUPPRESSING = {status: reason for reason, status in _STATUS_OF.items()}
"""By status of a contact, the reason for which it suppresses."""


def allows(column: str) -> str:
    """SQL: whether a column says that something is allowed."""
    words = ", ".join(map(literal, GRANTED))
    return f"coalesce(lower(trim({column})) in ({words}), false)"


def refused_channels() -> str:
    """SQL: the channels for which a row of profiles says that something is not allowed; a consent
    of which it says nothing is none."""
    refused = {
        name: " or ".join(
            f"(nullif(trim({column}), '') is not null and not {allows(column)})"
            for column in needed
        )
        for name, needed in CHANNEL_CONSENTS.items()
        if needed
    }
    cases = ", ".join(
        f"case when {test} then {literal(name)} end" for name, test in refused.items()
    )
    return f"list_filter([{cases}], lambda channel: channel is not null)"


def channel(column: str) -> str:
    """SQL for the channel that a column names; null for an unknown word, or none."""
    return _meaning(column, _CHANNELS)


def reason(column: str) -> str:
    """SQL for the reason of a suppression; null for an unknown word, or none."""
    return _meaning(column, _REASONS)


def status(column: str) -> str:
    """SQL for the status of a contact; null for an unknown word, or none."""
    return _meaning(column, _STATUSES)


def _meaning(column: str, words: Mapping[str, str]) -> str:
    """Case, blanks, dashes and underscores do not count."""
    pairs = ", ".join(f"{literal(word)}: {literal(name)}" for word, name in words.items())
    return f"map {{{pairs}}}[regexp_replace(lower({column}), '[^a-z0-9]', '', 'g')]"
