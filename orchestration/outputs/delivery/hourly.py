"""An hour brought to every address of the settings, after those that did not arrive before it.

Belongs here: what is due where, the order of files, and what is said of it. Not here: bytes
(`contents`), servers (`targets`), trying again (`attempts`).

Nothing that happens to an address stops another one, or the hour. Hours arrive in their order: one
that cannot be delivered holds back those after it, since `add` and `remove` count on that.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import duckdb

from orchestration.ground.errors import ComebackError
from orchestration.ground.home import Home
from orchestration.ground.hours import END_OF_TIME, hour_name, iso, newest_possible_hour, utc_now
from orchestration.ground.settings import FILE_NAME, Settings
from orchestration.outputs.delivery import credentials, webhook
from orchestration.outputs.delivery.attempts import PAUSES, attempt, reason_of
from orchestration.outputs.delivery.contents import Contents, contents_of
from orchestration.outputs.delivery.record import Address, Entry, Record
from orchestration.outputs.delivery.targets import Target, open_target
from orchestration.outputs.export_files import MANIFEST, POINTER
from orchestration.outputs.kept_files import newest_hour
from orchestration.warehouse import audit_log

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
    not_after: datetime = END_OF_TIME,
    pauses: Sequence[float] = PAUSES,
) -> list[Outcome]:
    """Bring an hour to all addresses, and first what is still due there.

    Args:
        connection: the open warehouse, for the audit log.
        home: where the exports are.
        settings: the addresses.
        hour: an hour that was exported.
        again: whether it is delivered though a later one has arrived, or it has itself.
        not_after: the newest hour there can be by the clock.
        pauses: seconds before each further try of an operation.

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
        connection, home, settings, record, hour_name(hour), again, not_after, pauses
    )
    outcomes = [delivery.to_address(name, exports) for name, exports in addresses.items()]
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
    chosen = datetime.fromisoformat(f"{name[:-1]}:00")
    again = hour is not None
    return deliver(connection, home, settings, chosen, again=again, not_after=not_after)


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


class _Connected:
    """A target that is opened when it is needed, and again after a failure."""

    def __init__(self, opened: Callable[[], Target], pauses: Sequence[float]) -> None:
        self._opened = opened
        self._pauses = pauses
        self._target: Target | None = None

    def __call__(self, operation: Callable[[Target], object]) -> object:
        """What the operation gives, at last."""

        def once() -> object:
            target = self._target or self._opened()
            # a connection that failed is not used again
            self._target = None
            given = operation(target)
            self._target = target
            return given

        return attempt(once, pauses=self._pauses)


@dataclass
class _Delivery:
    """One delivery of one hour to all addresses."""

    connection: duckdb.DuckDBPyConnection
    home: Home
    settings: Settings
    record: Record
    hour: str
    again: bool
    not_after: datetime
    pauses: Sequence[float]

    def to_address(self, name: str, exports: list[str]) -> Outcome:
        """The exports of an address, there."""
        address = self.record.address(name)
        outcome = Outcome(name, exports)
        at = _Connected(lambda: open_target(name, self._options(exports), self._own), self.pauses)

        def bring(hour: str) -> str | None:
            contents = contents_of(self._own, hour, exports)
            if contents is None:
                return None
            if self._is_there(at, address, hour, contents):
                return contents.sha256
            # a run that is killed from here on leaves it due, also where it had arrived before
            address.hours[hour] = Entry()
            self.record.save()
            placed: list[str] = []
            try:
                newest = max(address.arrived, default="")
                _place(at, contents, newest, self.not_after, placed)
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
            entry = address.hours.get(hour)
            if entry is not None and entry.sha256 == sha256 and not self.again:
                return sha256
            token = self._options([credentials.NOTIFY]).get("token")
            url = self.settings.notify
            attempt(lambda: webhook.send(url, hour, manifest, token), pauses=self.pauses)
            outcome.hours.append(hour)
            return sha256

        address = self.record.address(credentials.NOTIFY)
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
        address.exports, address.lost = exports, []
        newest = max(address.arrived, default="")
        # an hour that a later one overtook is not brought after it, unless somebody says so
        if self.again or self.hour >= newest:
            address.hours.setdefault(self.hour, Entry())
        due = {*address.due, *([self.hour] if self.hour in address.hours else [])}
        self.record.save()
        for hour in sorted(due):
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
            del address.hours[hour]
            if not (self._own / hour).exists():
                address.lost.append(hour)
        outcome.lost = address.lost
        kept = {hour for hour in address.hours if (self._own / hour).exists()}
        kept |= {*address.due, *address.arrived[-1:]}
        address.hours = {hour: entry for hour, entry in address.hours.items() if hour in kept}
        self.record.save()

    def _options(self, exports: list[str]) -> dict[str, str]:
        """The options of the first of the exports that has any."""
        file = credentials.read_file(self.home.root)
        names = [*self.settings.exports, credentials.NOTIFY]
        found = (credentials.options_of(name, file, names) for name in exports)
        return next(filter(None, found), {})

    def _is_there(self, at: _Connected, address: Address, hour: str, contents: Contents) -> bool:
        """Whether an hour that arrived before is there still as it is now."""
        entry = address.hours.get(hour)
        if self.again or entry is None or entry.sha256 != contents.sha256:
            return False
        try:
            found = at(lambda target: target.read(contents.manifest_path))
        except Exception:  # noqa: BLE001  it arrived, whatever ails the server now
            return True
        return found == contents.manifest

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


def _place(
    at: _Connected,
    contents: Contents,
    newest: str,
    not_after: datetime,
    placed: list[str],
) -> None:
    """Write the files, then the manifest, then the pointer; `placed` gets the paths of the files.

    A file is written again although its bytes may be there: that is the same bytes.
    """
    pointer = at(lambda target: target.read(POINTER))
    pointed = _pointed(pointer, not_after)
    manifest = at(lambda target: target.read(contents.manifest_path))
    if pointed == contents.hour and pointer != contents.pointer:
        at(lambda target: target.write(POINTER, contents.meanwhile))
    if manifest is not None and manifest != contents.manifest:
        at(lambda target: target.remove(contents.manifest_path))
    for path, content in contents.files.items():
        at(lambda target, path=path, content=content: target.write(path, content))
        placed.append(path)
    at(lambda target: target.write(contents.manifest_path, contents.manifest))
    # where the server shows nobody its pointer, by what arrived
    is_older = contents.hour < pointed if pointed else contents.hour_name < newest
    if not is_older:
        at(lambda target: target.write(POINTER, contents.pointer))


def _pointed(pointer: bytes | None, not_after: datetime) -> str:
    """The hour that a pointer names; nothing where it is none, or a clock was ahead then."""
    with suppress(ValueError, TypeError, KeyError):
        hour = json.loads(pointer or b"")["hour"]
        return hour if isinstance(hour, str) and hour <= iso(not_after) else ""
    return ""


def _manifest(folder: Path) -> tuple[str, bytes] | None:
    """The manifest of an hour as it is in the home, with its sum."""
    try:
        content = (folder / MANIFEST).read_bytes()
    except FileNotFoundError:
        return None
    return hashlib.sha256(content).hexdigest(), content
