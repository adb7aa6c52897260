"""Triggers: rules of what a person did, as yml files, each with the name of its trigger.

Belongs here: reading these files, whether each can be a rule, and the form in which dbt is handed
them. Not here: what a rule does (`dbt_project/models/triggers`); the language is explained in
`dbt_project/docs/triggers.md`.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import yaml

from orchestration.ground.errors import WrongUsage
from orchestration.ground.yml import parsed_yml

FOLDER = "triggers"

KEYS = ("name", "version", "description", "per", "when", "cooldown", "channel")
PER = ("person", "item", "cart")
CHANNELS = ("email", "sms", "ads", "onsite")
EVENT_TYPES = (
    *("page_view", "view_item", "view_item_list", "search", "add_to_wishlist", "add_to_cart"),
    *("remove_from_cart", "view_cart", "begin_checkout", "add_shipping_info", "add_payment_info"),
    *("purchase", "refund", "login", "sign_up", "email_sent", "email_open"),
)
DISTINCT = ("item_category", "item_id")
CART_STATES = ("open", "abandoned")
# By the key that makes a condition what it is: the keys that may stand beside it.
CONDITIONS = {
    "at_least": ("of", "within", "since", "distinct"),
    "none": ("within", "since"),
    "idle_at_least": (),
    "idle_at_most": (),
    "back_after": ("within",),
    "cart": ("value_at_least",),
}

_DOCS = "dbt_project/docs/triggers.md"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
_SPAN = re.compile(r"([1-9][0-9]{0,5})([mhd])")
_MINUTES = {"m": 1, "h": 60, "d": 24 * 60}
# A hundred years: beyond, the calendar ends.
_LONGEST = 36_500 * 24 * 60
_MOST_EVENTS = 1_000_000
# 20261201 is one, too; the table has it as an integer
_HIGHEST_VERSION = 2**31 - 1
_MOST_CONDITIONS = 20
_LONGEST_FILE = 100_000


@dataclass(frozen=True)
class Condition:
    """One of the conditions that have to hold at an hour.

    Attributes:
        kind: the key in `CONDITIONS` that it is of.
        event_type: type of the events that are counted; None where none are.
        at_least: how many there have to be.
        distinct: what has to differ between them; None where each event counts.
        minutes: how far back they count, or how long the person has been idle or away.
        away_minutes: how long the person was away before; of `back_after` only.
        since: type after whose newest event they count; None where a span of time says it.
        cart: state of the cart; None where no cart is asked for.
        value_at_least: worth of the cart in the reporting currency.
    """

    kind: str
    event_type: str | None = None
    at_least: int = 1
    distinct: str | None = None
    minutes: int | None = None
    away_minutes: int | None = None
    since: str | None = None
    cart: str | None = None
    value_at_least: Decimal | None = None


@dataclass(frozen=True)
class Trigger:
    """A rule.

    Attributes:
        name: what it is called, like its file.
        version: number that whoever changes the rule raises.
        description: what it finds.
        per: what it is asked of: each person, each item of a person, or each open cart.
        when: all of these have to hold.
        cooldown_minutes: for so long it does not fire again for the same.
        channel: by which a contact would be made.
    """

    name: str
    version: int
    description: str
    per: str
    when: tuple[Condition, ...]
    cooldown_minutes: int
    channel: str

    def variable(self) -> dict[str, object]:
        """The rule as dbt is handed it: without words, and with what its conditions imply."""
        return {
            "name": self.name,
            "version": self.version,
            "per": self.per,
            "channel": self.channel,
            # it is asked at full hours
            "cooldown_hours": -(-self.cooldown_minutes // 60),
            "conditions": [_step(each) for each in (*self.when, *self._implied())],
        }

    def _implied(self) -> list[Condition]:
        """`none since` needs the event since which, unless it is asked for anyway; a rule per cart
        an open one; and a rule of nothing but `none` somebody, or an item, that was seen before."""
        counted = {each.event_type for each in self.when if each.kind == "at_least"}
        needed = {each.since for each in self.when if each.kind == "none"} - {None}
        implied = [Condition("ever", event_type=each) for each in sorted(needed - counted)]
        if self.per == "cart" and all(each.kind != "cart" for each in self.when):
            implied.append(Condition("cart", cart="open"))
        finding = {"at_least"} if self.per == "item" else CONDITIONS.keys() - {"none"}
        if not implied and not any(each.kind in finding for each in self.when):
            implied.append(Condition("seen"))
        return implied


def _step(condition: Condition) -> dict[str, object]:
    """A condition as `macros/rules/triggers.sql` reads it."""
    kind = condition.kind
    if kind in ("at_least", "none", "ever"):
        kind = "events" if condition.since is None else "since"
    return {
        "kind": kind,
        "is_forbidden": condition.kind == "none",
        "event_type": condition.event_type,
        "since_type": condition.since,
        "minimum": condition.at_least,
        "counted": condition.distinct,
        "minutes": condition.minutes,
        "away_minutes": condition.away_minutes,
        "cart": condition.cart,
        "value_at_least": None
        if condition.value_at_least is None
        else f"{condition.value_at_least:f}",
    }


def triggers_in(project: Path) -> tuple[Trigger, ...]:
    """The rules in the folder `triggers` of a dbt project or a home, by name; none without it.

    Raises:
        WrongUsage: a file is no rule; the first fault is named with its file and key.
    """
    folder = project / FOLDER
    stamps = []
    for path in sorted(folder.glob("*.yml")):
        if not path.name.startswith("."):
            status = path.stat()
            stamps.append((path, status.st_mtime_ns, status.st_size))
    return _read_once(tuple(stamps))


@functools.lru_cache(maxsize=8)
def _read_once(stamps: tuple[tuple[Path, int, int], ...]) -> tuple[Trigger, ...]:
    """Every file, read again when one of them changes."""
    return tuple(load_trigger(path) for path, *_ in stamps)


def load_trigger(path: Path) -> Trigger:
    """The rule of a file.

    Raises:
        WrongUsage: it cannot be read, or is no rule.
    """
    try:
        content = path.read_bytes()
        if len(content) > _LONGEST_FILE:
            raise WrongUsage("the file is too long for a rule", str(path), f"see {_DOCS}")
        text = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUsage(
            f"the trigger cannot be read ({error})", str(path), "save it as yml in UTF-8"
        ) from error
    trigger = parse_trigger(text, str(path))
    if trigger.name != path.stem:
        raise WrongUsage(
            f"the name is {trigger.name!r}",
            f"{path} [name]",
            f"it is that of the file: {path.stem}",
        )
    return trigger


class _Loader(yaml.SafeLoader):
    """Plain yml, in which a key stands once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen: list[object] = []
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value!r} stands twice", problem_mark=key.start_mark
                )
            seen.append(key.value)
        return super().construct_mapping(node, deep)


def parse_trigger(text: str, where: str) -> Trigger:
    """The rule of a file's text; `where` is named in errors.

    Raises:
        WrongUsage: it is none.
    """
    try:
        document = parsed_yml(text, _Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or " ".join(str(error).split())
        raise WrongUsage(
            f"the trigger is no yml ({problem})", f"{where}{line}", "correct the file"
        ) from error
    reader = _Reader(where)
    rule = reader.table(document, "", KEYS, KEYS, "the trigger")
    name = rule["name"]
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        reader.fail("name", name, "a word of a-z, 0-9 and _ that begins with a letter")
    if not (isinstance(rule["description"], str) and rule["description"].strip()):
        reader.fail("description", rule["description"], "a sentence")
    per = reader.one_of("per", rule["per"], PER)
    version = reader.count("version", rule["version"], _HIGHEST_VERSION)
    when = rule["when"]
    if not (isinstance(when, list) and 1 <= len(when) <= _MOST_CONDITIONS):
        reader.fail("when", when, f"a list of 1 to {_MOST_CONDITIONS} conditions")
    return Trigger(
        name=name,
        version=version,
        description=" ".join(rule["description"].split()),
        per=per,
        when=tuple(
            _condition(reader, each, f"when, condition {number}")
            for number, each in enumerate(when, start=1)
        ),
        cooldown_minutes=reader.span("cooldown", rule["cooldown"]),
        channel=reader.one_of("channel", rule["channel"], CHANNELS),
    )


def _condition(reader: "_Reader", written: object, place: str) -> Condition:
    kinds = [key for key in CONDITIONS if isinstance(written, dict) and key in written]
    if len(kinds) != 1:
        reader.fail(place, written, f"one of the conditions {', '.join(CONDITIONS)}")
    kind = kinds[0]
    table = reader.table(written, place, (kind, *CONDITIONS[kind]), (kind,), "the condition")
    key = f"{place}, {kind}"
    if kind in ("idle_at_least", "idle_at_most"):
        return Condition(kind, minutes=reader.span(key, table[kind]))
    if kind == "cart":
        value = table.get("value_at_least")
        return Condition(
            kind,
            cart=reader.one_of(key, table[kind], CART_STATES),
            value_at_least=None
            if "value_at_least" not in table
            else reader.amount(f"{place}, value_at_least", value),
        )
    if kind == "back_after":
        reader.require(table, place, "within")
        return Condition(
            kind,
            away_minutes=reader.span(key, table[kind]),
            minutes=reader.span(f"{place}, within", table["within"]),
        )
    if ("within" in table) == ("since" in table):
        reader.fail(place, written, "either within (a span such as 24h) or since (an event type)")
    if kind == "at_least":
        reader.require(table, place, "of")
    of_key, of = (f"{place}, of", table["of"]) if kind == "at_least" else (key, table[kind])
    distinct = table.get("distinct")
    return Condition(
        kind,
        event_type=reader.one_of(of_key, of, EVENT_TYPES),
        at_least=reader.count(key, table[kind]) if kind == "at_least" else 1,
        distinct=reader.one_of(f"{place}, distinct", distinct, DISTINCT)
        if "distinct" in table
        else None,
        minutes=reader.span(f"{place}, within", table["within"]) if "within" in table else None,
        since=reader.one_of(f"{place}, since", table["since"], EVENT_TYPES)
        if "since" in table
        else None,
    )


class _Reader:
    """What reads the values of one file, and says where one does not fit."""

    def __init__(self, where: str) -> None:
        self._where = where

    def fail(self, key: str, value: object, allowed: str) -> None:
        """Raise the line about a value."""
        shown = repr(value)
        shown = shown if len(shown) <= 80 else f"{shown[:80]}..."
        place = f"{self._where} [{key}]" if key else self._where
        raise WrongUsage(f"the trigger has {shown}", place, f"allowed is {allowed}: {_DOCS}")

    def table(
        self,
        value: object,
        place: str,
        allowed: Sequence[str],
        needed: Sequence[str],
        what: str,
    ) -> Mapping[str, object]:
        """A table of the file that has the needed keys and none but the allowed ones."""
        keys = ", ".join(allowed)
        if not isinstance(value, dict):
            self.fail(place, value, f"a table of the keys {keys}")
        here = f"{self._where} [{place}]" if place else self._where
        for key in value:
            if key not in allowed:
                raise WrongUsage(
                    f"{what} has the unknown key {str(key)[:40]!r}",
                    here,
                    f"allowed are {keys}: {_DOCS}",
                )
        for key in needed:
            if key not in value:
                raise WrongUsage(f"{what} has no {key}", here, f"give all of {keys}: {_DOCS}")
        return value

    def require(self, table: Mapping[str, object], place: str, key: str) -> None:
        """Raise a line if a condition lacks a key."""
        if key not in table:
            raise WrongUsage(
                f"the condition has no {key}", f"{self._where} [{place}]", f"add it: {_DOCS}"
            )

    def one_of(self, key: str, value: object, allowed: Sequence[str]) -> str:
        """A word out of a list."""
        if not (isinstance(value, str) and value in allowed):
            self.fail(key, value, f"one of {', '.join(allowed)}")
        return value

    def count(self, key: str, value: object, most: int = _MOST_EVENTS) -> int:
        """A whole number of at least 1."""
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if not (is_number and 1 <= value <= most):
            self.fail(key, value, f"a whole number of 1 to {most:,}")
        return value

    def span(self, key: str, value: object) -> int:
        """A span of time, in minutes."""
        found = _SPAN.fullmatch(value) if isinstance(value, str) else None
        minutes = int(found[1]) * _MINUTES[found[2]] if found else 0
        if not 1 <= minutes <= _LONGEST:
            self.fail(key, value, "a span such as 30m, 24h or 7d, up to 36500d")
        return minutes

    def amount(self, key: str, value: object) -> Decimal:
        """An amount of money."""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        amount = Decimal(str(value)) if is_number else Decimal(-1)
        if not (amount.is_finite() and 0 <= amount < 10**12 and amount == round(amount, 4)):
            self.fail(key, value, "an amount of at least 0 with at most 4 decimals")
        return amount
