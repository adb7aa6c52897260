"""What a shop may set, in `$COMEBACK_HOME/comeback.toml`.

Belongs here: the settings, each declared once with its type, range, default, description and marks,
and the reading of the file and of those beside it. Everything else that names a setting (dbt's
variables, messages, the template of the file) is derived from the declaration. Not here: where
state lies (`home`), nor what a setting does; the modules that take them say that.
"""

import hashlib
import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    Strict,
    ValidationError,
)

from ml.economics import Economics
from orchestration.ground.address_rules import AddressRule, load_address_rules
from orchestration.ground.contact_settings import Contacts
from orchestration.ground.errors import ComebackError
from orchestration.ground.files import make_private
from orchestration.ground.settings_experiments import Experiments
from orchestration.ground.settings_exports import (
    DEFAULT_EXPORTS,
    AlertAddress,
    Exports,
    WebAddress,
    refuse_below,
)
from orchestration.ground.settings_money import Money
from orchestration.ground.settings_people import Engagement, Levels
from orchestration.ground.settings_retention import Retention
from orchestration.ground.settings_schema import (
    FromTable,
    InWords,
    Mark,
    free_value,
    in_words,
    is_table,
    marked,
    settings_of,
)
from orchestration.ground.settings_template import toml_template

FILE_NAME = "comeback.toml"

# Up to a hundred years: beyond, the calendar of Python or DuckDB ends.
Minutes = Annotated[int, Field(ge=1, le=52_560_000)]
Hours = Annotated[int, Field(ge=1, le=876_000)]
Days = Annotated[int, Field(ge=1, le=36_500)]
Text = Annotated[str, Field(pattern=r"\S"), InWords("a text that is not empty")]
# dbt writes it between quotes
Key = Annotated[str, Field(pattern=r"^$|\S"), InWords("a text that is not empty")]
Server = Annotated[str, Field(pattern=r"^[^\s:/@]+:\d{1,5}$"), InWords("HOST:PORT")]
EventType = Annotated[
    str, Field(pattern=r"^[^'\s\\]([^'\\\n]*[^'\s\\])?$"), InWords("an event type such as refund")
]
Size = Annotated[
    str,
    Field(pattern=r"(?i)^(\d+(\.\d+)? ?([kmgt](i?b)?|%)|none)$"),
    InWords("a size such as 4GB, or a share of the memory such as 80%"),
]


def _below_a_trillion(economics: Economics) -> Economics:
    for each in fields(economics):
        if (value := getattr(economics, each.name)) >= 1e12:
            raise ValueError(f"{each.name} is {value}, it must be below 1e12")
    return economics


class Ids(BaseModel):
    """How the ids of the log are read."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    placeholders: Annotated[tuple[Text, ...], Strict(False), Mark.LOG] = Field(
        (),
        description="Words of the shop that stand for no visitor, user, order or event, such as the"
        " account of its till; beside those that mean nobody anywhere (null, guest, 0 ...).",
    )


class Settings(BaseModel):
    """Everything a shop may set; the descriptions are those of the template."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    session_gap_minutes: Annotated[Minutes, Mark.LOG] = Field(
        30, description="A longer pause between two events of a visitor begins a new session."
    )
    passive_event_types: Annotated[tuple[EventType, ...], Strict(False), Mark.LOG] = Field(
        ("refund", "email_sent", "email_open"),
        description="Types of event that neither start nor extend a session.",
    )
    bot_event_count: Annotated[int, Field(ge=1, le=1_000_000_000), Mark.LOG, Mark.DIGEST_IF_SET] = (
        Field(
            1000,
            description="A session of more events is not a person: not learned from, not exported.",
        )
    )
    bot_session_hours: Annotated[Hours, Mark.LOG, Mark.DIGEST_IF_SET] = Field(
        12, description="A longer session is not a person either."
    )
    clock_skew_minutes: Annotated[int, Field(ge=0, le=1440), Mark.LOG, Mark.DIGEST_IF_SET] = Field(
        5, description="Rows dated more than this after their file was loaded are set aside."
    )
    cart_expiry_days: Annotated[Days, Mark.LOG] = Field(
        30, description="Days after its last touch at which an open cart expires."
    )
    items_from_carts: Annotated[bool, Mark.LOG, Mark.DIGEST_IF_SET] = Field(
        False,
        description="Whether an order whose purchase names no item bought what lay in its carts,"
        " for triggers per item, also_bought and items.order_count.",
    )
    label_horizon_hours: Annotated[Hours, Mark.HOUR] = Field(
        72, description="Hours within which an order counts as a conversion."
    )
    scoring_window_days: Annotated[Days, Mark.HOUR] = Field(
        7, description="Open carts touched within these days are scored."
    )
    holdout_share: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.05, description="Share of people that is never exported, to measure what contacts do."
    )
    holdout_key: Key = Field(
        "",
        description="Key of the hash that draws them, a secret; if not set, the variable"
        " COMEBACK_HOLDOUT_KEY, else the file `holdout_key` of the home, made at random.",
    )
    stale_after_hours: Annotated[Hours, Mark.DIGEST_IF_SET] = Field(
        6,
        description="An hour whose newest event is older than this is scored with a warning"
        " (`is_stale`).",
    )
    stop_after_hours: Annotated[Hours, Mark.DIGEST_IF_SET] = Field(
        48,
        description="An hour whose newest event is older than this is not published. A shop that"
        " delivers once a day needs more than 24.",
    )
    exports_keep_hours: Hours = Field(
        72, description="Exported hours that are kept: so many of the newest that were written."
    )
    scores_keep_days: Days = Field(
        90, description="Days of `cart_scores` that are kept, counted back from the newest hour."
    )
    partitions_start: date = Field(date(2019, 1, 1), description="First day that can be scored.")
    memory_limit: Annotated[Size, Mark.MACHINE] = Field(
        "4GB", description="What DuckDB may use before it spills to disk."
    )
    dagster_keep_days: Annotated[Days, Mark.MACHINE] = Field(
        30,
        description="Days for which Dagster's record of a run is kept; the tables keep their rows.",
    )
    threads: Annotated[int, Field(ge=1, le=1024), Mark.MACHINE] = Field(
        default_factory=lambda: os.cpu_count() or 1,
        description="Threads for DuckDB; if not set, as many as the machine has processors.",
    )
    economics: Annotated[Economics, FromTable(), AfterValidator(_below_a_trillion)] = Field(
        Economics(),
        description="What a sale brings, what a nudge costs and does; amounts in the reporting"
        " currency.",
    )
    contacts: Annotated[Contacts, Mark.DIGEST_IF_SET] = Field(
        Contacts(),
        description="When a contact is planned (hours count from the session's end), and how often"
        " and when a person may be contacted.",
    )
    ids: Annotated[Ids, Mark.LOG, Mark.DIGEST_IF_SET] = Field(
        Ids(), description="How the ids of the log are read."
    )
    money: Annotated[Money, Mark.LOG, Mark.DIGEST_IF_SET] = Field(
        Money(), description="In which currency sums are, and what others are worth in it."
    )
    exports: Annotated[Exports, Mark.DIGEST_IF_SET] = Field(
        DEFAULT_EXPORTS,
        description="The files for e-mail and ads tools, a table each. One table of yours takes the"
        " place of all of these.",
    )
    experiments: Annotated[Experiments, Mark.DIGEST_IF_SET] = Field(
        {},
        description="Experiments among people who are contacted by e-mail, a table each.",
        examples=[{"subject": {"arms": ["plain", "short"], "least_effect": 0.02}}],
    )
    engagement: Annotated[Engagement, Mark.HOUR, Mark.DIGEST_IF_SET] = Field(
        Engagement(), description="What a session is worth in people.engagement_score."
    )
    retention: Annotated[Retention, Mark.DIGEST_IF_SET] = Field(
        Retention(), description="How long delivered rows are kept; 0 keeps them for good."
    )
    levels: Annotated[Levels, Mark.DIGEST_IF_SET] = Field(
        Levels(), description="Which shares of people.intent_level and value_tier are high."
    )
    notify: Annotated[WebAddress, Mark.DIGEST_IF_SET] = Field(
        "", description="A web address that is sent the manifest of each hour, which names nobody."
    )
    notify_failures: Annotated[AlertAddress, Mark.MACHINE] = Field(
        "",
        description="A web address, or mailto:NAME@HOST, that gets an alert when a scheduled run"
        " fails or a check begins to.",
    )
    mail_server: Annotated[Server, Mark.MACHINE] = Field(
        "localhost:25", description="Through which mail to notify_failures is sent, HOST:PORT."
    )
    address_rules: Annotated[
        tuple[AddressRule, ...], Strict(False), Mark.LOG, Mark.DIGEST_IF_SET, Mark.FILE
    ] = Field((), description="What the addresses of the shop's pages say: address_rules.csv.")
    sources: dict[str, Text] = Field(
        {},
        description="Folder or fsspec address of the dumps of a source; without one,"
        " landing/<source>.",
        examples=[{"canonical": "s3://shop-events/dumps"}],
    )
    follow_symlinks: Annotated[bool, Mark.DIGEST_IF_SET] = Field(
        False,
        description="Whether symbolic links are followed that lead out of a folder of dumps.",
    )

    @property
    def variables(self) -> dict[str, Any]:
        """What the dbt project has variables for, by name: the settings that are marked so."""
        names = {*marked(type(self), Mark.LOG), *marked(type(self), Mark.HOUR)}
        return self.model_dump(mode="json", include=names)

    @property
    def assumptions(self) -> str:
        """First 12 hex digits of a hash over what gains and times of contact are made from."""
        return _hash({"economics": asdict(self.economics), "timing": asdict(self.contacts.timing)})

    @property
    def digest(self) -> str:
        """First 12 hex digits of a hash over everything that may change a score or an export."""
        kind = type(self)
        values = self.model_dump(exclude=set(marked(kind, Mark.MACHINE)))
        # what stood there before each home made a key of its own
        values["holdout_key"] = self.holdout_key or "comeback"
        for name in marked(kind, Mark.DIGEST_IF_SET):
            if getattr(self, name) == kind.model_fields[name].default:
                del values[name]
        return _hash(values)


def _hash(values: Mapping[str, object]) -> str:
    text = json.dumps(values, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def load_settings(home: Path) -> Settings:
    """The settings of a home folder: the defaults, overridden by its `comeback.toml` if any.

    Raises:
        ComebackError: the file is no TOML, or has an unknown key or a value that does not fit; or
            the shop's address rules cannot be read.
    """
    path = home / FILE_NAME
    address_rules = load_address_rules(home)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return Settings(address_rules=address_rules)
    # a RecursionError: arrays in arrays without an end
    except (ValueError, RecursionError) as error:
        raise ComebackError(
            f"the settings are no TOML ({error})", str(path), "correct the file"
        ) from error
    settings = parse_settings(values, where=str(path), address_rules=address_rules)
    refuse_below(home, settings.exports, str(path))
    return settings


def parse_settings(
    values: Mapping[str, object],
    where: str = FILE_NAME,
    address_rules: tuple[AddressRule, ...] = (),
) -> Settings:
    """Settings out of a parsed TOML document, and those of files beside it.

    Args:
        values: the document.
        where: it is named in errors.
        address_rules: what the addresses of the shop's pages say.

    Raises:
        ComebackError: an unknown key, or a value of a wrong type or out of its range.
    """
    for name in marked(Settings, Mark.FILE):
        if name in values:
            raise ComebackError(
                f"'{name}' is no setting of this file", where, f"write {name}.csv beside it"
            )
    try:
        return Settings.model_validate({**values, "address_rules": address_rules})
    except ValidationError as error:
        faults = error.errors(include_url=False)
    faults.sort(key=lambda fault: not _is_unknown(fault))
    raise _refusal(faults[0], where)


def write_template(home: Path) -> Path:
    """Write a `comeback.toml` that shows every setting and sets none.

    Returns:
        The path of the file.

    Raises:
        ComebackError: there is one already, or it cannot be written.
    """
    path = home / FILE_NAME
    try:
        make_private(home)
        with path.open("x", encoding="utf-8") as file:
            file.write(toml_template(Settings))
    except OSError as error:
        if isinstance(error, FileExistsError) and os.path.lexists(path):
            raise ComebackError(
                "there are settings already", str(path), "edit that file, or move it away first"
            ) from error
        raise ComebackError(
            f"cannot write the settings ({error.strerror})",
            str(path),
            "free it, or set COMEBACK_HOME to a folder that can be written to",
        ) from error
    return path


def _is_unknown(fault: Mapping[str, Any]) -> bool:
    return fault["type"] in ("extra_forbidden", "unexpected_keyword_argument")


def _refusal(fault: Mapping[str, Any], where: str) -> ComebackError:
    """One line about one of the faults that pydantic found."""
    name, *rest = fault["loc"]
    known = dict(Settings.model_fields)
    for other_file in marked(Settings, Mark.FILE):
        del known[other_file]
    field = known.get(name)
    path = []
    while rest and is_table(field):
        path.append(name)
        name, *rest = rest
        known = settings_of(field)
        field = free_value(field) if known is None else known.get(name)
    if path:
        where = f"{where} [{'.'.join(path)}]"
    if _is_unknown(fault):
        return ComebackError(f"unknown setting '{name}'", where, _instead(name, known))
    if fault["type"] == "value_error":
        place = where if path and not is_table(field) else f"{where} [{name}]"
        return ComebackError(str(fault["ctx"]["error"]), place, "correct the value")
    wanted = f"a table [{name}]" if is_table(field) else in_words(field)
    if fault["type"] == "missing":
        return ComebackError(f"'{name}' is not set", where, f"give {wanted}")
    return ComebackError(f"'{name}' cannot be {_shown(fault['input'])}", where, f"give {wanted}")


def _instead(name: str, known: Mapping[str, object]) -> str:
    """What to write in place of an unknown setting."""
    for table, field in Settings.model_fields.items():
        if is_table(field) and name in (settings_of(field) or ()):
            return f"write it below a line [{table}]"
    if name in Settings.model_fields:
        return "write it above the first line that begins with ["
    choice = ", ".join(sorted(known))
    if near := get_close_matches(name, known, n=1):
        return f"did you mean '{near[0]}'? Known are: {choice}"
    return f"remove it or use one of: {choice}"


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # Python does not print whole numbers of thousands of digits
        return "so long a number"
    return text if len(text) <= 80 else f"{text[:80]}..."
