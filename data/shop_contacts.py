"""What the shop knows of its users, what they allow, and what its e-mail tool sent them.

Belongs here: the dumps of profiles, suppressions and contacts. Does not belong here: what people do
in the shop (`shop_visits`), or anything that the log says.

Names and addresses are made up; hosts are those that are kept free for examples.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from data.shop_catalogue import Names
from data.shop_law import Floats
from data.shop_people import People

FIRST_NAMES = ("Anna", "Émilie", "José", "Łukasz", "Mia", "Noah", "Olga", "Sean", "Zoë", "Yusuf")
LAST_NAMES = ("O'Brien", "de la Cruz", "Müller", "Smith", "Novák", "Rossi", "Ng", "Öztürk")
HOSTS = ("example.com", "example.org", "mail.example.net")
# Country as a shop's forms have it, time zone, language, and the beginning of its numbers.
PLACES = (
    ("DE", "Europe/Berlin", "de", "0151 "),
    ("Austria", "Europe/Vienna", "de", "+43 664 "),
    ("UK", "Europe/London", "en", "+44 (0)7911 "),
    ("USA", "America/New_York", "en", "+1 212 "),
)
PLACE_SHARES = (0.55, 0.15, 0.2, 0.1)
TIERS = ("bronze", "silver", "gold")
# A tier mostly says who likes to buy: above these of the latent trait, for so many of the users.
TIER_INTENTS = (0.0, 1.0)
EARNED_SHARE = 0.8

EMAIL_SHARE, SMS_SHARE, ADS_SHARE = 0.7, 0.2, 0.5
SHARED_ADDRESS_SHARE = 0.03  # users with the address of the one before
MOVED_SHARE = 0.05  # users whose address changes
WITHDRAWN_SHARE = 0.06  # users who withdraw every consent in the shop
UNSUBSCRIBED_SHARE = 0.04  # users who do so in the tool alone
BACK_SHARE = 0.25  # of those, who consent again later
BOUNCED_SHARE, COMPLAINED_SHARE = 0.02, 0.005
NEWSLETTERS = 2
OPENED_SHARE, CLICKED_SHARE = 0.35, 0.15


@dataclass(frozen=True)
class Contacts:
    """Rows as delivered, all text; columns are those of the sources of the same names."""

    profiles: pl.DataFrame
    suppressions: pl.DataFrame
    contacts: pl.DataFrame


def draw_contacts(
    people: People, names: Names, opened: datetime, hours: float, seed: int
) -> Contacts:
    """Draw what is known of everybody with an account, within `hours` of the opening."""
    rng = np.random.default_rng([seed, 20])
    who = np.flatnonzero(people.has_account)
    count = len(who)
    since = np.minimum(people.first_visit[who], hours * 0.9)
    later = since + (hours - since) * rng.uniform(0.1, 0.9, count)
    at, then = _times(opened, since), _times(opened, later)

    def hit(share: float) -> np.ndarray:
        return rng.random(count) < share

    first, last = rng.choice(FIRST_NAMES, count), rng.choice(LAST_NAMES, count)
    host, place = rng.choice(HOSTS, count), rng.choice(len(PLACES), count, p=PLACE_SHARES)
    users = names.users.gather(who).to_numpy()
    emails = np.array(
        [f"Shopper.{user}@{each}" for user, each in zip(users, host, strict=True)], dtype=object
    )
    shared = np.flatnonzero(hit(SHARED_ADDRESS_SHARE))
    emails[shared[shared > 0]] = emails[shared[shared > 0] - 1]
    number = rng.integers(100_000, 999_999, count)
    ads = hit(ADS_SHARE)
    profiles = pl.DataFrame(
        {
            "user_id": users.astype(str),
            "email": emails.astype(str),
            "phone": [f"{PLACES[p][3]}{n}" for p, n in zip(place, number, strict=True)],
            "first_name": first,
            "last_name": last,
            "country": [PLACES[each][0] for each in place],
            "language": [PLACES[each][2] for each in place],
            "time_zone": [PLACES[each][1] for each in place],
            "email_consent": _said(hit(EMAIL_SHARE)),
            "sms_consent": _said(hit(SMS_SHARE)),
            "ad_user_data_consent": _said(ads),
            "ad_personalization_consent": _said(ads),
            "updated_at": at,
            "attr_tier": _tiers(people.intent[who], rng.choice(TIERS, count), seed),
        }
    ).cast(pl.String)
    moved, withdrawn = pl.Series(hit(MOVED_SHARE)), pl.Series(hit(WITHDRAWN_SHARE))
    unsubscribed = hit(UNSUBSCRIBED_SHARE)
    back = unsubscribed & hit(BACK_SHARE)
    newest = _times(opened, (later + hours) / 2)
    consents = [name for name in profiles.columns if name.endswith("_consent")]
    changes = [
        profiles.with_columns(email="new." + pl.col("email"), updated_at=pl.Series(then)).filter(
            moved
        ),
        profiles.with_columns(
            *(pl.lit("denied").alias(name) for name in consents), updated_at=pl.Series(newest)
        ).filter(withdrawn),
        profiles.with_columns(email_consent=pl.lit("granted"), updated_at=pl.Series(newest)).filter(
            pl.Series(back)
        ),
    ]
    bounced, complained = hit(BOUNCED_SHARE), hit(COMPLAINED_SHARE)
    suppressions = (
        pl.DataFrame(
            {
                "channel": "email",
                "user_id": "",
                # as the tool writes it
                "email": [str(each).upper() for each in emails],
                "reason": np.where(complained, "complaint", "unsubscribed"),
                "suppressed_at": then,
            }
        )
        .cast(pl.String)
        .filter(pl.Series(unsubscribed | complained))
    )
    return Contacts(
        profiles=pl.concat([profiles, *changes]).sort("updated_at", "user_id", "email"),
        suppressions=suppressions.sort("suppressed_at", "email"),
        contacts=_sent(rng, profiles, opened, since, hours, bounced),
    )


def _tiers(intent: Floats, drawn: np.ndarray, seed: int) -> np.ndarray:
    """The tier that each user has earned, or the one that was drawn for whoever has none."""
    earned = np.asarray(TIERS)[np.searchsorted(TIER_INTENTS, intent, "right")]
    is_earned = np.random.default_rng([seed, 21]).random(len(intent)) < EARNED_SHARE
    return np.where(is_earned, earned, drawn)


def _sent(
    rng: np.random.Generator,
    profiles: pl.DataFrame,
    opened: datetime,
    since: Floats,
    hours: float,
    bounced: np.ndarray,
) -> pl.DataFrame:
    """Newsletters to those who allow them, and what came of each."""
    allowed = profiles["email_consent"].eq("granted").to_numpy()
    rows = []
    for issue in range(1, NEWSLETTERS + 1):
        hour = hours * issue / (NEWSLETTERS + 1)
        to = np.flatnonzero(allowed & (since < hour))
        luck, delay = rng.random(len(to)), rng.exponential(6.0, len(to))
        fate = np.where(
            bounced[to],
            "bounced",
            np.where(
                luck < CLICKED_SHARE,
                "clicked",
                np.where(luck < OPENED_SHARE, "opened", "delivered"),
            ),
        )
        for status, after in (("sent", np.zeros(len(to))), (None, np.minimum(delay, hours - hour))):
            rows.append(
                profiles.select("user_id", "email")[to].with_columns(
                    contacted_at=pl.Series(_times(opened, hour + after), dtype=pl.String),
                    channel=pl.lit("email"),
                    campaign=pl.lit(f"newsletter {issue}"),
                    status=pl.lit(status) if status else pl.Series(fate, dtype=pl.String),
                )
            )
    columns = ("contacted_at", "user_id", "email", "channel", "campaign", "status")
    return pl.concat(rows).select(columns).sort(columns)


def _times(opened: datetime, hours: Floats) -> list[str]:
    return [
        f"{opened + timedelta(seconds=round(each * 3600)):%Y-%m-%dT%H:%M:%SZ}" for each in hours
    ]


def _said(is_granted: np.ndarray) -> np.ndarray:
    return np.where(is_granted, "granted", "denied")
