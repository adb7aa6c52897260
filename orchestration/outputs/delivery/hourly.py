"""An hour brought to every address of the settings, after those that did not arrive before it.

Belongs here: what is due where, and what is said of it. Not here: bytes (`contents`), the order of
files (`placing`), servers (`targets`), trying again (`attempts`).

Nothing that happens to an address stops another one, or the hour. Hours arrive in their order: one
that cannot be delivered holds back those after it, since `add` and `remove` count on that. None
arrives after a newer one, and at an address that has none yet it begins with the newest: what was
in a list long ago is for no tool to import.
"""

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

import duckdb

from orchestration.ground.errors import ComebackError
from orchestration.ground.home import Home
from orchestration.ground.hours import (
    END_OF_TIME,
    hour_name,
    is_hour_name,
    iso,
    newest_possible_hour,
    utc_now,
)
from orchestration.ground.progress import progress
from orchestration.ground.settings import FILE_NAME, Settings
from orchestration.outputs.delivery import credentials, webhook
from orchestration.outputs.delivery.attempts import ADDRESS_SECONDS, PAUSES, attempt, reason_of
from orchestration.outputs.delivery.contents import Contents, contents_of
from orchestration.outputs.delivery.placing import Connected, place
from orchestration.outputs.delivery.record import Address, Entry, Record
from orchestration.outputs.delivery.targets import open_target
from orchestration.outputs.export_files import MANIFEST
from orchestration.outputs.kept_files import newest_hour
from orchestration.warehouse import audit_log
from orchestration.warehouse.database import has_table

logger = logging.getLogger(__name__)


@dataclass
class Outcome:
    """What became of one address.

    Attributes:
        address: as it is set; of the webhook no more than its host, for the rest may be secret.
        exports: what goes there; none for the webhook.
        hours: that arrived now, by name.
        reason: why one did not; None if all did.
        lost: hours that never arrived, and are kept no longer.
    """

    address: str
    exports: list[str]
    hours: list[str] = field(default_factory=list)
    reason: str | None = None
    lost: list[str] = field(default_factory=list)


def deliver(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    settings: Settings,
    hour: datetime,
    *,
    again: bool = False,
    by_hand: bool = False,
    not_after: datetime = END_OF_TIME,
    pauses: Sequence[float] = PAUSES,
    address_seconds: float = ADDRESS_SECONDS,
) -> list[Outcome]:
    """Bring an hour to all addresses, and first what is still due there.

    Args:
        connection: the open warehouse, for the audit log, and for how far the log goes.
        home: where the exports are.
        settings: the addresses.
        hour: an hour that was exported.
        again: whether it is delivered though a later one has arrived, or it has itself.
        by_hand: whether somebody asks for it, so that it may be the first however old it is.
        not_after: the newest hour there can be by the clock.
        pauses: seconds before each further try of an operation.
        address_seconds: how long one address may take.

    Returns:
        One outcome an address; none raises.
    """
    addresses = _addresses(settings)
    if not addresses and not settings.notify:
        return []
    record = Record(home.delivery_record)
    wanted = {*addresses, *([credentials.NOTIFY] if settings.notify else [])}
    record.addresses = {name: each for name, each in record.addresses.items() if name in wanted}
    delivery = _Delivery(
        connection,
        home,
        settings,
        record,
        hour_name(hour),
        again,
        by_hand,
        not_after,
        pauses,
        address_seconds,
    )
    outcomes = []
    with progress("Delivering", len(addresses), "addresses") as delivering:
        for name, exports in addresses.items():
            outcomes.append(delivery.to_address(name, exports))
            delivering.advance()
    if settings.notify:
        outcomes.append(delivery.to_webhook())
    return outcomes


def deliver_by_hand(
    connection: duckdb.DuckDBPyConnection, home: Home, settings: Settings, hour: datetime | None
) -> list[Outcome]:
    """Bring the newest exported hour, or a chosen one again whatever arrived already.

    Args:
        connection: the open warehouse, for the audit log.
        home: where the exports are.
        settings: the addresses.
        hour: the chosen one.

    Raises:
        ComebackError: as `hour_to_deliver`.
    """
    not_after = newest_possible_hour(utc_now(), settings.clock_skew_minutes)
    chosen = hour_to_deliver(home, settings, hour)
    again = hour is not None
    return deliver(
        connection, home, settings, chosen, again=again, by_hand=True, not_after=not_after
    )


def hour_to_deliver(home: Home, settings: Settings, hour: datetime | None) -> datetime:
    """The hour that is meant by a chosen one, or by none.

    Raises:
        ComebackError: there is no address, no export, or the hour is not kept.
    """
    if not _addresses(settings) and not settings.notify:
        raise ComebackError(
            "no export has an address to be delivered to",
            str(home.root / FILE_NAME),
            "set deliver_to of an export, or notify",
        )
    not_after = newest_possible_hour(utc_now(), settings.clock_skew_minutes)
    name = newest_hour(home.exports, not_after) if hour is None else hour_name(hour)
    if name is None or not (home.exports / name).exists():
        raise ComebackError(
            f"the hour {name or ''} is not among the exports that are kept",
            str(home.exports),
            "choose another, or run it first: comeback run",
        )
    return datetime.fromisoformat(f"{name[:-1]}:00")


def undelivered(home: Home) -> list[str]:
    """What did not arrive where it should, in sentences."""
    return [*_undelivered(Record(home.delivery_record))]


def delivered_line(home: Home) -> Iterator[str]:
    """How far deliveries have come, as one line, if there are any."""
    addresses = Record(home.delivery_record).addresses
    arrived = [(name, each.arrived[-1]) for name, each in addresses.items() if each.arrived]
    if arrived:
        yield f"Delivered  {'; '.join(f'{hour} to {name}' for name, hour in sorted(arrived))}"


def _undelivered(record: Record) -> Iterator[str]:
    for name, address in sorted(record.addresses.items()):
        what = ", ".join(address.exports) or "the manifest"
        if due := address.due:
            hours = "1 hour was" if len(due) == 1 else f"{len(due)} hours were"
            reason = address.hours[due[0]].reason or "a run was ended before it was done"
            fault = ComebackError(
                f"{hours} not delivered of {what}, the first {due[0]} ({reason})",
                name,
                "the next hour delivers them, or now: comeback deliver",
            )
            yield str(fault)
        if address.lost:
            one = len(address.lost) == 1
            hours = "1 hour" if one else f"{len(address.lost)} hours"
            fault = ComebackError(
                f"{hours} of {what} never arrived and {'is' if one else 'are'} kept no longer",
                name,
                "have the tool take the next full file, or keep more hours (exports_keep_hours)",
            )
            yield str(fault)


def _addresses(settings: Settings) -> dict[str, list[str]]:
    """The exports that go to each address."""
    found: dict[str, list[str]] = {}
    for name, export in settings.exports.items():
        if export.deliver_to:
            found.setdefault(export.deliver_to, []).append(name)
    return found


@dataclass
class _Delivery:
    """One delivery of one hour to all addresses."""

    connection: duckdb.DuckDBPyConnection
    home: Home
    settings: Settings
    record: Record
    hour: str
    again: bool
    by_hand: bool
    not_after: datetime
    pauses: Sequence[float]
    address_seconds: float

    def to_address(self, name: str, exports: list[str]) -> Outcome:
        """The exports of an address, there."""
        address = self.record.address(name)
        outcome = Outcome(name, exports)
        at = Connected(
            lambda: open_target(name, self._options(exports), self._own),
            self.pauses,
            self.address_seconds,
        )

        def bring(hour: str) -> str | None:
            contents = contents_of(self._own, hour, exports)
            if contents is None:
                return None
            if self._has_arrived(address, hour, contents.sha256):
                return contents.sha256
            # a run that is killed from here on leaves it due, also where it had arrived before
            address.hours[hour] = Entry()
            self.record.save()
            placed: list[str] = []
            try:
                place(at, contents, address.newest, self.not_after, placed)
            finally:
                self._note(contents, exports, placed)
            outcome.hours.append(hour)
            return contents.sha256

        self._bring_all(address, exports, outcome, bring)
        return outcome

    def to_webhook(self) -> Outcome:
        """The manifest of the hour, to the web address."""
        host = urlsplit(self.settings.notify).hostname
        outcome = Outcome(f"{credentials.NOTIFY} ({host})", [])

        def bring(hour: str) -> str | None:
            contents = _manifest(self._own / hour)
            if contents is None:
                return None
            sha256, manifest = contents
            if self._has_arrived(address, hour, sha256):
                return sha256
            if any(hour in each.due for each in others):
                raise ComebackError(
                    "the hour has not arrived everywhere yet", hour, "it is sent once it has"
                )
            token = self._options([credentials.NOTIFY]).get("token")
            url = self.settings.notify
            lost = sorted({gone for each in others for gone in each.lost})
            unannounced = [gone for gone in lost if gone not in address.told]
            attempt(
                lambda: webhook.send(url, hour, manifest, token, unannounced),
                pauses=self.pauses,
                until=monotonic() + self.address_seconds,
            )
            address.told = lost
            outcome.hours.append(hour)
            return sha256

        address = self.record.address(credentials.NOTIFY)
        others = [each for each in self.record.addresses.values() if each is not address]
        self._bring_all(address, [], outcome, bring)
        return outcome

    @property
    def _own(self) -> Path:
        return self.home.exports

    def _bring_all(
        self,
        address: Address,
        exports: list[str],
        outcome: Outcome,
        bring: Callable[[str], str | None],
    ) -> None:
        """Bring what is due, in order, until one hour cannot be; remember each."""
        address.exports = exports
        address.forget_lost(self.hour)
        address.begin(hour_name(self.not_after), _kept(self._own))
        due = {hour for hour in address.due if hour >= address.newest}
        # what is due and older was asked for by hand, and is no more: a later hour overtook it
        address.hours = {hour: e for hour, e in address.hours.items() if e.sha256 or hour in due}
        if self._is_next(address):
            address.hours.setdefault(self.hour, Entry())
            due.add(self.hour)
        self.record.save()
        for hour in sorted(due):
            address.newest = max(address.newest, hour)
            try:
                sha256 = bring(hour)
            except Exception as error:  # noqa: BLE001  no address may stop another, nor the hour
                outcome.reason = reason_of(error)
                address.hours[hour] = Entry(None, iso(utc_now()), outcome.reason)
                logger.warning(
                    "%s was not delivered to %s: %s.", hour, outcome.address, outcome.reason
                )
                break
            if sha256 is not None:
                address.hours[hour] = Entry(sha256, iso(utc_now()))
                self.record.save()
                continue
            # no export of this address was made then
            del address.hours[hour]
        address.say_lost(self.hour, has_arrived=outcome.reason is None)
        outcome.lost = [*address.lost]
        kept = {*_kept(self._own), *address.due, *address.arrived[-1:]}
        address.hours = {hour: entry for hour, entry in address.hours.items() if hour in kept}
        self.record.save()

    def _options(self, exports: list[str]) -> Mapping[str, str]:
        """The options of the exports that have any."""
        file = credentials.read_file(self.home.root)
        names = [*self.settings.exports, credentials.NOTIFY]
        return credentials.shared_options(
            {name: credentials.options_of(name, file, names) for name in exports}
        )

    def _is_next(self, address: Address) -> bool:
        """Whether the hour is for an address: not if a later one overtook it, or if it is the first
        there and the log goes on after it, unless somebody says so."""
        if self.again or address.newest:
            return self.again or self.hour >= address.newest
        is_newest = self.hour == newest_hour(self._own, self.not_after)
        return is_newest and (self.by_hand or self.hour >= self.log_hour)

    @cached_property
    def log_hour(self) -> str:
        """The hour that the newest session of the log ends in; nothing without any."""
        if not has_table(self.connection, "main", "sessions"):
            return ""
        newest = self.connection.execute(
            "select max(ended_at) from main.sessions where ended_at <= ?", [self.not_after]
        ).fetchall()[0][0]
        return hour_name(newest) if newest else ""

    def _has_arrived(self, address: Address, hour: str, sha256: str) -> bool:
        """Whether an hour arrived as it is now; a tool may have taken its files away since."""
        entry = address.hours.get(hour)
        return not self.again and entry is not None and entry.sha256 == sha256

    def _note(self, contents: Contents, exports: list[str], placed: list[str]) -> None:
        """Add what was handed out to the audit log, though it may not be the whole."""
        if not placed:
            return
        is_whole = len(placed) == len(contents.files)
        audit_log.note(
            self.connection,
            "delivery",
            utc_now(),
            sha256=contents.files_sha256 if is_whole else None,
            exports=exports,
            files=len(placed),
            bytes=sum(len(contents.files[path]) for path in placed),
            **({"rows": contents.rows} if is_whole else {}),
        )


def _kept(folder: Path) -> set[str]:
    """The hours that are in the home, by name."""
    return {path.name for path in folder.iterdir() if is_hour_name(path.name)}


def _manifest(folder: Path) -> tuple[str, bytes] | None:
    """The manifest of an hour as it is in the home, with its sum."""
    try:
        content = (folder / MANIFEST).read_bytes()
    except FileNotFoundError:
        return None
    return hashlib.sha256(content).hexdigest(), content
