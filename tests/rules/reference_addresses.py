"""What the address of a page says, in plain and slow Python.

Belongs here: the rules of addresses as `dbt_project/docs/address_rules.md` states them: what is
left of an address, and which texts a pattern fits. Not here: which rules there are, and what they
make of events. No regular expression: the SQL has nothing else.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from string import ascii_letters, digits
from urllib.parse import unquote

LANGUAGE_CODES = """
    ar bg bn bs ca cs cy da de el en es et eu fa fi fr ga gl he hi hr hu hy id is it ja ka kk ko
    lt lv mk ms mt nb nl nn no pl pt ro ru sk sl sq sr sv sw ta te th tl tr uk ur uz vi zh
"""
LANGUAGES = frozenset(LANGUAGE_CODES.split())
INDEXES = ("index.php", "index.htm", "index.html")
NAMES = ("item_id", "category")


@dataclass(frozen=True)
class Rule:
    """A line of address_rules.csv."""

    pattern: str
    page_type: str
    category: str = ""
    item_id: int = 0


@dataclass(frozen=True)
class Meaning:
    """What the first rule that fits says; all null where none does."""

    page_type: str | None = None
    category: str | None = None
    item_id: str | None = None


def meaning(address: str | None, rules: Sequence[Rule]) -> Meaning:
    """What an address says by rules in their order."""
    full = parts_of(address or "")
    if full is None:
        return Meaning()
    parts = without_language(full)
    for rule in rules:
        path, _, query = rule.pattern.partition("?")
        wanted = [part for part in path.split("/") if part]
        read = full if without_language(wanted) != wanted else parts
        found = _first_fit(wanted, read)
        if found is None:
            continue
        for parameter in filter(None, query.split("&")):
            name, _, value = parameter.partition("=")
            given = parameter_of(address, name)
            fit = next(_fits(_tokens(value), given), None) if given else None
            if fit is None:
                break
            found = found | fit
        else:
            item = read[rule.item_id - 1] if 0 < rule.item_id <= len(read) else None
            return Meaning(
                rule.page_type,
                rule.category or found.get("category"),
                item or found.get("item_id"),
            )
    return Meaning()


def parts_of(address: str) -> list[str] | None:
    """The parts of the path of an address, language included; None: it is of no page."""
    text = address.strip(" ")
    head, slashes, rest = text.partition("//")
    if slashes and (not head or _is_scheme(head)):
        after = rest
    elif text.startswith("/"):
        after = f"host{text}"
    else:
        host = _until(text, "/?#")
        name, _, port = host.partition(":")
        is_host = "." in name[1:-1] and " " not in name and (not port or port.isdigit())
        if not is_host or (text != host and text[len(host)] != "/"):
            return None
        after = text
    path = _until(after, "?#")[len(_until(after, "/?#")) :]
    path = _without_parameters("/".join(part.partition(";")[0] for part in path.split("/")))
    with suppress(UnicodeDecodeError):
        path = unquote(path.replace("%2F", "%252F").replace("%2f", "%252F"), errors="strict")
    parts = [part for part in path.rstrip(" ").split("/") if part]
    if len(parts) > 1 and parts[0].lower() == "index.php":
        del parts[0]
    if parts and parts[-1].lower() in INDEXES:
        del parts[-1]
    return parts


def without_language(parts: Sequence[str]) -> list[str]:
    """The parts without a language, or a country and a language, that they begin with."""
    if len(parts) > 1 and _is_two_letters(parts[0]) and _is_language(parts[1]):
        return [*parts[2:]]
    return [*parts[1:]] if parts and _is_language(parts[0]) else [*parts]


def parameter_of(address: str, name: str) -> str | None:
    """The first value of a parameter, whatever the case of its name."""
    for each in _until(address, "#").partition("?")[2].split("&"):
        key, equals, value = each.partition("=")
        if equals and key.lower() == name.lower():
            try:
                return unquote(value.replace("+", " "), errors="strict")
            except UnicodeDecodeError:
                return value
    return None


def _first_fit(wanted: Sequence[str], parts: Sequence[str]) -> dict[str, str] | None:
    return next(_path_fits(wanted, parts), None)


def _path_fits(wanted: Sequence[str], parts: Sequence[str]) -> Iterator[dict[str, str]]:
    if not wanted:
        if not parts:
            yield {}
        return
    if wanted[0] == "**":
        for count in range(len(parts), -1, -1):
            yield from _path_fits(wanted[1:], parts[count:])
        return
    if not parts:
        return
    for mine in _fits(_tokens(wanted[0]), parts[0]):
        for others in _path_fits(wanted[1:], parts[1:]):
            yield mine | others


def _tokens(part: str) -> list[str]:
    """A part as names in braces, stars and single letters; `+` stands for a star alone."""
    if part == "*":
        return ["any"]
    tokens = []
    while part:
        name = next((name for name in NAMES if part.startswith(f"{{{name}}}")), None)
        tokens.append(name or part[0])
        part = part[len(name) + 2 if name else 1 :]
    return tokens


def _fits(tokens: Sequence[str], text: str) -> Iterator[dict[str, str]]:
    """The ways in which tokens fit a text: a star as long as can be, a name as short."""
    if not tokens:
        if not text:
            yield {}
        return
    first, rest = tokens[0], tokens[1:]
    if first == "any":
        if text:
            yield {}
    elif first == "*":
        for count in range(len(text), -1, -1):
            yield from _fits(rest, text[count:])
    elif first in NAMES:
        for count in range(1, len(text) + 1):
            for others in _fits(rest, text[count:]):
                yield {first: text[:count]} | others
    elif text[:1].lower() == first.lower():
        yield from _fits(rest, text[1:])


def _without_parameters(path: str) -> str:
    """Without &name=value and what follows it."""
    for place, letter in enumerate(path):
        name = _until(path[place + 1 :], "=")
        is_name = bool(name) and all(each in f"{ascii_letters}{digits}_.-" for each in name)
        if letter == "&" and is_name and path[place + 1 + len(name) :].startswith("="):
            return path[:place]
    return path


def _until(text: str, ends: str) -> str:
    return text[: min((text.index(each) for each in ends if each in text), default=len(text))]


def _is_scheme(head: str) -> bool:
    name = head[:-1]
    return (
        head.endswith(":")
        and name[:1] in ascii_letters
        and bool(name)
        and all(letter in f"{ascii_letters}{digits}+.-" for letter in name)
    )


def _is_two_letters(part: str) -> bool:
    return len(part) == 2 and all(letter in ascii_letters for letter in part)


def _is_language(part: str) -> bool:
    language, region = part[:2].lower(), part[2:]
    return language in LANGUAGES and (
        not region or (region[0] in "-_" and _is_two_letters(region[1:]))
    )
