"""What arrived where: `delivery_record.json` of the home, without personal data.

Belongs here: by address and hour whether it arrived, and why not. Not here: deciding what is due
(`hourly`). A file, no table: it is read while a run holds the warehouse, and outlives that.
"""

import json
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
        lost: hours that did not arrive before they were kept no longer.
    """

    exports: list[str] = field(default_factory=list)
    hours: dict[str, Entry] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    @property
    def arrived(self) -> list[str]:
        """The hours that arrived, in order."""
        return sorted(name for name, each in self.hours.items() if each.sha256)

    @property
    def due(self) -> list[str]:
        """The hours that did not, in order."""
        return sorted(name for name, each in self.hours.items() if not each.sha256)


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
                each["exports"],
                {hour: Entry(**entry) for hour, entry in each["hours"].items()},
                each["lost"],
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
