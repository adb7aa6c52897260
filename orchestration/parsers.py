"""A parser of arguments that suggests what may be meant.

Belongs here: what argparse lacks. Not here: any command or option (`arguments`).
"""

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """A parser that suggests the command or option that may be meant."""

    _given: Sequence[str] = ()

    def parse_args(
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> argparse.Namespace:
        """As argparse has it, but what is unknown is refused with the usage of its command."""
        found, unknown = self.parse_known_args(args, namespace)
        if unknown:
            parser = commands_of(self).get(found.command, self)
            parser.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found

    def parse_known_args(
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As argparse has it; what was given is kept for suggestions."""
        self._given = sys.argv[1:] if args is None else args
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """End with the usage, what is wrong, and what may be meant."""
        chosen = re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", message)
        if chosen:
            near = get_close_matches(chosen[1], re.findall(r"[a-z]+", chosen[2]), n=1)
        else:
            given = (each.split("=")[0] for each in self._given if each.startswith("--"))
            unknown = [each for each in given if not self._get_option_tuples(each)]
            known = [each for each in self._option_string_actions if each.startswith("--")]
            near = [n for each in unknown for n in get_close_matches(each, known, n=1)]
            message += f"; '{unknown[0]}' is no option" if near else ""
        message += "".join(f"; did you mean '{each}'?" for each in near)
        super().error(message)


def commands_of(parser: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    """The commands of a parser, by name; none of one that has none."""
    actions = parser._subparsers._group_actions if parser._subparsers else ()
    return next((each.choices for each in actions), {})
