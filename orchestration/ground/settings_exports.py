"""What a shop may set of its exports.

Belongs here: the tables `[exports.<name>]` of `comeback.toml`. Not here: when and how often a
person is contacted (`contact_settings`), what a tool's file looks like (`outputs.exports.presets`).
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, Strict

from orchestration.ground.age_recipients import public_key
from orchestration.ground.checkout import EXPORT_PRESETS
from orchestration.ground.countries import code_in_settings
from orchestration.ground.errors import ComebackError
from orchestration.ground.settings_schema import InWords

_STRICT = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)
ADS = ("google_customer_match", "meta_custom_audience", "hashed_audience")

Profile = Annotated[
    Literal[
        "email", "google_customer_match", "meta_custom_audience", "hashed_audience", "suppressions"
    ],
    InWords(f"one of email, {', '.join(ADS)}, suppressions"),
]
Identifier = Annotated[Literal["email", "external_id"], InWords("one of email, external_id")]
# Of carts; any other is one of people.
CART_SEGMENTS = ("on_the_fence", "likely_to_purchase", "unlikely_to_purchase")
Segment = Annotated[
    str,
    Field(pattern=r"^[a-z][a-z0-9_]{0,50}$"),
    InWords(f"one of {', '.join(CART_SEGMENTS)}, or of the segments of people such as vip"),
]
Trigger = Annotated[
    str,
    Field(pattern=r"^[a-z][a-z0-9_]{0,59}$"),
    InWords("the name of a trigger such as checkout_left"),
]
Country = Annotated[
    str,
    Field(pattern=r"^[A-Z]{2}$"),
    AfterValidator(code_in_settings),
    InWords("a country's code such as DE"),
]
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_FOLDERS = ("file", "local")
_FOLDER_ADDRESS = "whose address has three slashes as in file:///srv/out"
_CREDENTIALS = "credentials belong into the environment or credentials.toml"


def _split(name: str, address: str) -> SplitResult:
    """The parts of an address; no message shows it, since it may hold a password.

    Raises:
        ValueError: it is none, or holds one.
    """
    if not isinstance(address, str):
        raise ValueError(f"{name} must be a text")
    if re.search(r"[\x00-\x20\x7f]", address):
        raise ValueError(f"{name} has blanks or control characters in it")
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        raise ValueError(f"{name} is no address that can be read") from None
    if parts.password is not None:
        raise ValueError(f"{name} has a password in it: {_CREDENTIALS}")
    return parts


def _place_to_deliver(address: object) -> object:
    if address == "":
        return address
    if isinstance(address, str) and "://" not in address:
        if not address.startswith("/") or "\0" in address:
            raise ValueError("deliver_to must be an absolute folder or an address such as s3://...")
        return address.rstrip("/") or "/"
    parts = _split("deliver_to", address)
    if parts.query or parts.fragment or "::" in address:
        raise ValueError(f"deliver_to has more in it than a place: {_CREDENTIALS}")
    if not (parts.netloc or parts.path):
        raise ValueError("deliver_to is no address that can be read")
    if parts.scheme in _FOLDERS and (parts.netloc or not parts.path.startswith("/")):
        raise ValueError(f"deliver_to is a folder, {_FOLDER_ADDRESS}")
    return address.rstrip("/")


def _web_address(address: object, name: str = "notify") -> object:
    if address == "":
        return address
    parts = _split(name, address)
    if parts.username is not None:
        raise ValueError(f"{name} has a user in it: {_CREDENTIALS}")
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not (is_safe and parts.hostname):
        raise ValueError(f"{name} must begin with https://")
    return address


def _alert_address(address: object) -> object:
    if isinstance(address, str) and address.startswith("mailto:"):
        if not re.fullmatch(r"mailto:[^@\s,<>]+@[^@\s,<>]+", address):
            raise ValueError("notify_failures must be one address such as mailto:ops@shop.example")
        return address
    return _web_address(address, "notify_failures")


def _recipient(text: str) -> str:
    try:
        public_key(text)
    except ValueError as error:
        raise ValueError(f"age_recipients: {error}") from None
    return text


Recipient = Annotated[
    str, AfterValidator(_recipient), InWords("a public key of age, which begins with age1")
]
Place = Annotated[
    str,
    BeforeValidator(_place_to_deliver),
    InWords("an absolute folder, an address such as sftp://user@host/in, or nothing"),
]
WebAddress = Annotated[
    str, BeforeValidator(_web_address), InWords("an address with https, or nothing")
]
AlertAddress = Annotated[
    str,
    BeforeValidator(_alert_address),
    InWords("an address with https or mailto, or nothing"),
]


def _presets_of(profile: str) -> str:
    """The names of a profile's presets: those of the files there are, `generic` first."""
    line = f'profile = "{profile}"'
    files = [path for path in EXPORT_PRESETS.glob("*.toml") if line in path.read_text("utf-8")]
    *names, last = sorted((path.stem for path in files), key=lambda name: (name != "generic", name))
    return f"{', '.join(names)} or {last}"


class Export(BaseModel):
    """One file for one tool, in full and as what changed."""

    model_config = _STRICT

    profile: Profile = Field(description="What kind of tool the file is for.")
    preset: Annotated[str, Field(pattern=r"\S"), InWords("the name of a preset")] = Field(
        "generic",
        description=f"The tool: of email {_presets_of('email')}; of hashed_audience"
        f" {_presets_of('hashed_audience')}.",
    )
    identifier: Identifier = Field(
        "email", description="By what the e-mail tool finds a person; external_id is your user id."
    )
    segments: Annotated[tuple[Segment, ...], Strict(False)] = Field(
        ("on_the_fence",),
        description="Whom a list of the ads holds: of carts on_the_fence, likely_to_purchase or"
        " unlikely_to_purchase, or segments of people. A file for e-mail names those of people.",
    )
    triggers: Annotated[tuple[Trigger, ...], Strict(False)] = Field(
        (),
        description="Whom a list of the ads holds besides: for whom one of these triggers fired"
        " within the window, and who did not order since.",
    )
    window_days: Annotated[int, Field(ge=1, le=540)] = Field(
        7,
        description="A person stays on a list of the ads for so long after the last score, or after"
        " a trigger fired.",
    )
    full_every_hours: Annotated[int, Field(ge=0, le=8760)] = Field(
        0,
        description="Hours after which people are added again; in between they only leave."
        " 0: a day for the ads, else an hour.",
    )
    hourly_capacity: Annotated[int, Field(ge=1, le=1_000_000_000)] = Field(
        1_000_000, description="Persons that are contacted in one hour at most, best first."
    )
    most_removed_share: Annotated[float, Field(gt=0, le=1)] = Field(
        0.3,
        description="If a greater share of the list would leave at once, it stays as it is until"
        " comeback run --accept-removals; withdrawals and erasures do not count.",
    )
    countries_without_consent: Annotated[tuple[Country, ...], Strict(False)] = Field(
        (), description="Countries in which the ads need no consent; everywhere else they do."
    )
    deliver_to: Place = Field(
        "",
        description="Where the files are brought after each hour: a folder, s3://, sftp:// or what"
        " else fsspec knows. No password in it: see Delivery in dbt_project/docs/exports.md.",
    )
    age_recipients: Annotated[tuple[Recipient, ...], Strict(False)] = Field(
        (),
        description="Public keys of age, for which the files are encrypted: <name>.full.csv.age.",
    )

    @property
    def folder(self) -> Path | None:
        """The folder that it is delivered to; None if that is a server, or nothing."""
        scheme, separator, rest = self.deliver_to.partition("://")
        if not separator:
            return Path(self.deliver_to) if self.deliver_to else None
        return Path(rest) if scheme in _FOLDERS else None

    @property
    def is_ads(self) -> bool:
        """Whether it is a list of hashes for ads, and no contact at a time."""
        return self.profile in ADS

    @property
    def hours_between_full(self) -> int:
        """Hours after which people are added again."""
        return self.full_every_hours or (24 if self.is_ads else 1)


def _file_names(exports: Mapping[str, Export]) -> Mapping[str, Export]:
    for name in exports:
        if not (name.isascii() and name.replace("_", "").replace("-", "").isalnum()):
            raise ValueError(f"{name!r} is no name of an export: files are called so")
        if len(name) > 60 or name != name.lower():
            raise ValueError(f"{name!r} is no name of an export: at most 60 small letters")
    return exports


Exports = Annotated[dict[str, Export], AfterValidator(_file_names)]


def refuse_below(home: Path, exports: Mapping[str, Export], where: str) -> None:
    """Refuse deliveries into the home: dumps land there, and runs replace what lies there.

    Args:
        home: the home folder.
        exports: the exports by name.
        where: the file of settings, for the line.

    Raises:
        ComebackError: one is.
    """
    for name, export in exports.items():
        folder = export.folder
        if folder is not None and folder.resolve().is_relative_to(home.resolve()):
            raise ComebackError(
                f"deliver_to is {folder}, which lies in COMEBACK_HOME",
                f"{where} [exports.{name}]",
                "choose a folder outside it",
            )


DEFAULT_EXPORTS = {
    "email": Export(profile="email"),
    "google": Export(profile="google_customer_match"),
    "meta": Export(profile="meta_custom_audience"),
    "suppressions": Export(profile="suppressions"),
}
