"""What arrived where: `delivery_record.json` of the home, without personal data.

Belongs here: by address and hour whether it arrived, and why not. Not here: deciding what is due
(`hourly`). A file, no table: it is read while a run holds the warehouse, and outlives that.
"""

import json
from collections.abc import Container
from dataclasses import asdict, dataclass, field
from pathlib import Path

from orchestration.ground.files import replace_file


@dataclass
class Entry:
    """An hour at an address.

    Attributes:
        sha256: of the manifest that arrived; None until it did.
        at: when it arrived or was tried last, ISO 8601.
        reason: why it did not arrive; None if it did, or was not tried to the end.
    """

    sha256: str | None = None
    at: str = ""
    reason: str | None = None


@dataclass
class Address:
    """What is known of an address.

    Attributes:
        exports: the exports that go there, as the settings had it last.
        hours: by name of the hour.
        newest: the newest hour that was ever tried; nothing before the first.
        lost: hours that did not arrive before they were kept no longer, until they were said.
        said_in: the hour whose delivery says them last, since it arrived after them.
        told: those of all addresses that the web address was told of.
    """

    exports: list[str] = field(default_factory=list)
    hours: dict[str, Entry] = field(default_factory=dict)
    newest: str = ""
    lost: list[str] = field(default_factory=list)
    said_in: str = ""
    told: list[str] = field(default_factory=list)

    @property
    def arrived(self) -> list[str]:
        """The hours that arrived, in order."""
        return sorted(name for name, each in self.hours.items() if each.sha256)

    @property
    def due(self) -> list[str]:
        """The hours that did not, in order."""
        return sorted(name for name, each in self.hours.items() if not each.sha256)

    def begin(self, not_after: str, kept: Container[str]) -> None:
        """Forget hours of a clock that was ahead; note which hours are lost.

        Args:
            not_after: the newest hour there can be by the clock.
            kept: the hours that are in the home still.
        """
        self.hours = {hour: each for hour, each in self.hours.items() if hour <= not_after}
        known = [self.newest] if self.newest <= not_after else []
        self.newest = max([*known, *self.arrived], default="")
        gone = [hour for hour in self.due if hour not in kept]
        self.lost += [hour for hour in gone if hour not in self.lost]
        self.hours = {hour: each for hour, each in self.hours.items() if hour not in gone}

    def say_lost(self, hour: str, *, has_arrived: bool) -> None:
        """Have lost hours said until an hour has arrived after them, and with that hour last."""
        if self.lost and has_arrived and not self.said_in:
            self.said_in = hour

    def forget_lost(self, hour: str) -> None:
        """Forget the lost hours that were said with an hour before this one."""
        if self.said_in and self.said_in < hour:
            self.lost, self.said_in = [], ""


class Record:
    """The file, by address."""

    def __init__(self, path: Path) -> None:
        """Read it, if it is there."""
        self._path = path
        try:
            said = json.loads(path.read_bytes())
        except (FileNotFoundError, ValueError):
            said = {}
        self.addresses = {
            address: Address(
                **{**each, "hours": {hour: Entry(**entry) for hour, entry in each["hours"].items()}}
            )
            for address, each in said.items()
        }

    def address(self, name: str) -> Address:
        """What is known of an address, nothing at first."""
        return self.addresses.setdefault(name, Address())

    def save(self) -> None:
        """Write it."""
        said = {name: asdict(each) for name, each in self.addresses.items()}
        content = json.dumps(said, indent=2, sort_keys=True)
        replace_file(self._path, f"{content}\n".encode(), 0o600)
