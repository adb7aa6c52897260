"""The two files of a draft, with every guess marked.

Belongs here: their text. Not here: the guesses. No delivered value is written down but words for
events, names of zones and currencies: what is in a home is searched when a person is erased.
"""

import json
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from orchestration.drafts import forms
from orchestration.drafts.amounts import NOT_OF_A_UNIT, is_total
from orchestration.drafts.column_names import in_yaml, named_columns
from orchestration.drafts.fields import Field, Fields, tokens_of
from orchestration.drafts.guesses import Guesses
from orchestration.drafts.unread import unread_lines
from orchestration.ground.sql import literal

_DECLARED = 200
_LOOK_COLUMNS = 6
_WORDS_SHOWN = 60
_CANNOT_BE_WRITTEN = re.compile(r"[{}\n\r\\]")
_IDENTITIES = {"visitor_id": "visitor", "user_id": "user", "event_id": "event"}
_MADE = ("utm_source", "utm_medium", "utm_campaign")
_REORDERED = {"day": "day_first", "month": "month_first", "year": "year_first"}


@dataclass(frozen=True)
class Form:
    """How the files are written.

    Attributes:
        has_names: Whether their columns have names.
        has_backslashes: Whether quotes within quotes have a backslash before them.
    """

    has_names: bool = True
    has_backslashes: bool = False


class Texts:
    """The texts of one draft.

    Args:
        name: The name of the source.
        fields: What stands in the rows.
        guesses: What it means.
        form: How the files are written.
        ours: Our fields of an event, in their order.
        reserved: Words that cannot name a column in SQL.
    """

    def __init__(
        self,
        name: str,
        fields: Fields,
        guesses: Guesses,
        form: Form,
        ours: Sequence[str],
        reserved: Set[str],
    ) -> None:
        """Name the columns."""
        self.name, self.fields, self.guesses, self.form, self.ours = (
            name, fields, guesses, form, ours,
        )  # fmt: skip
        used = [each.column for each in guesses.found.values()]
        used += [each.column for each in (guesses.items, guesses.time_of_day) if each]
        columns = [*fields.columns]
        if form.has_names:
            kept = {*used, *columns[:_DECLARED]}
            columns = [each for each in columns if each in kept]
        else:
            columns.sort(key=int)
        self.columns = named_columns(columns, reserved, has_names=form.has_names)

    def yml(self) -> str:
        """What is delivered: the first file."""
        guesses = self.guesses
        lines = [
            f"# Drafted by: comeback source new {self.name}. What is marked as a guess is one:"
            " correct it where it is wrong.",
            "# What each line means: dbt_project/docs/own_source.md of the checkout.",
            "version: 2",
            "sources:",
            "  - name: raw",
            "    schema: raw",
            "    tables:",
            f"      - name: {self.name}",
            "        config:",
            "          meta:",
        ]
        meta = [self._zone_line()]
        mark = "comma" if guesses.has_commas else "point"
        why = "by the amounts" if guesses.has_commas is not None else "no amount says it"
        meta.append(f"decimal: {mark}  # guess: {why}")
        if self.form.has_backslashes:
            meta.append("escape: backslash  # guess: one stands before quotes or delimiters")
        if not self.form.has_names:
            names = ", ".join(in_yaml(each) for each, _ in self.columns.values())
            meta.append("# the files have no header line: the columns in their order")
            meta.append(f"header: [{names}]")
        meta += self._signature_lines()
        if guesses.items:
            meta.append("items:  # guess: by the names in an element of the list")
            meta += [
                f"  {ours}: [{in_yaml(path)}]{_mark_of_price(ours, path)}"
                for ours, path in guesses.item_paths.items()
            ]
        lines += [f"            {line}" for line in meta]
        lines.append("        columns:")
        for delivered, (name, alias) in self.columns.items():
            roles = self._roles(delivered)
            mark = f"  # guess: {roles}" if roles else ""
            lines.append(f"          - name: {in_yaml(name)}{mark}")
            if about := self._about(delivered, alias):
                lines.append(f"            config: {{meta: {{{about}}}}}")
        return "\n".join(lines) + "\n"

    def sql(self, understood: Mapping[str, str | None]) -> str:
        """What it means: the second file.

        Args:
            understood: The types of words that every source knows already; None for another word.
        """
        parsed, fields = self._parsed()
        names = {delivered: name for delivered, (name, _) in self.columns.items()}
        selected = [
            f"'{self.name}' as source,",
            "_load_id as load_id,",
            "_line as line,",
            *self._event_id_lines(fields),
        ]
        missing = []
        for ours in self.ours:
            if ours == "event_id":
                continue
            if ours == "event_at":
                reason = self._reason("event_at")
                selected.append(f"{{{{ event_time('{fields[ours]}', '{self.name}') }}}},{reason}")
            elif ours == "event_type":
                selected += self._type_lines(fields, understood)
            elif lines := self._field_lines(ours, fields):
                selected += lines
            else:
                missing.append(ours)
        selected += _wrapped(missing)
        return "\n".join(
            [
                f"-- Drafted by: comeback source new {self.name}. What is marked as a guess is one:"
                " correct it where it is wrong.",
                "-- One row out for one row in. The macros: dbt_project/docs/own_source.md.",
                *unread_lines(self.fields, self.guesses, names),
                "",
                "with",
                "",
                "delivered as (",
                "",
                f"    select * from {{{{ source('raw', '{self.name}') }}}}",
                "",
                "),",
                "",
                "parsed as (",
                "",
                "    select",
                "        *,",
                *(f"        {line}" for line in parsed),
                "        md5({{ row_content() }}) as row_hash",
                "    from delivered",
                "",
                "),",
                "",
                "renamed as (",
                "",
                "    select",
                *(f"        {line}" for line in selected),
                "    from parsed",
                "",
                ")",
                "",
                "select * from renamed",
                "",
            ]
        )

    def _zone_line(self) -> str:
        zone = self.guesses.zone
        if zone is None:
            return "zone: UTC  # of times without an offset; these say theirs"
        return f"zone: {zone[0]}  # guess: {zone[1]}; of times without an offset"

    def _signature_lines(self) -> list[str]:
        lines = ["signature:  # guess: by which a file of it is known"]
        word = self.guesses.found.get("event_type")
        if not self.form.has_names:
            lines.append(f"  - width: {len(self.columns)}")
            if word:
                shown = [each.text for each in self.guesses.words[:12]]
                words = ", ".join(json.dumps(each, ensure_ascii=False) for each in shown)
                lines.append(f'    words: {{"{word.column}": [{words}]}}')
            return lines
        used = {each.column for each in self.guesses.found.values()}
        if self.guesses.items:
            used.add(self.guesses.items.column)
        columns = [each for each in self.fields.always if each in used]
        columns += [each for each in self.fields.always if each not in used]
        named = (self.columns[each] for each in columns[:_LOOK_COLUMNS] if each in self.columns)
        names = ", ".join(in_yaml(delivered or name) for name, delivered in named)
        return [*lines, f"  - columns: [{names}]"] if names else []

    def _roles(self, delivered: str) -> str:
        """What is read from a column, for the comment behind it."""
        found = [
            f"{ours} {self.guesses.reasons.get(ours, '')}".strip()
            for ours, each in self.guesses.found.items()
            if each.column == delivered
        ]
        if self.guesses.items and self.guesses.items.column == delivered:
            found.append("items")
        clock = self.guesses.time_of_day
        if clock and clock.column == delivered:
            found.append("the time of day of event_at")
        return ", ".join(found)

    def _about(self, delivered: str, alias: str | None) -> str:
        """What is declared of a column."""
        about = []
        here = {ours: each for ours, each in self.guesses.found.items() if each.column == delivered}
        if {"event_at", "event_type", "visitor_id", "user_id"} & {*here}:
            about.append("required: true")
        for ours, flag in (("event_at", "time"), ("event_type", "type")):
            if ours in here and here[ours].path is None:
                about.append(f"{flag}: true")
        ids = {_IDENTITIES[ours]: each.path for ours, each in here.items() if ours in _IDENTITIES}
        if None in ids.values():
            about.append(f"identity: {next(kind for kind, path in ids.items() if path is None)}")
        elif ids:
            inside = ", ".join(f"{kind}: {in_yaml(path)}" for kind, path in ids.items())
            about.append(f"identity: {{{inside}}}")
        if any(each.path for each in here.values()) or "items" in self._roles(delivered):
            about.append("json: true")
        if alias:
            about.append(f"aliases: [{in_yaml(alias)}]")
        return ", ".join(about)

    def _parsed(self) -> tuple[list[str], dict[str, str]]:
        """What has to be read out of columns first, and the name of each field of ours then."""
        lines, names = [], {}
        taken = {name for name, _ in self.columns.values()}
        for ours, each in self.guesses.found.items():
            expression = self._read(ours, each)
            if expression == self._column(each):
                names[ours] = expression
                continue
            name = f"found_{ours}"
            while name in taken:
                name += "_"
            lines.append(f"{expression} as {name},")
            names[ours] = name
        return lines, names

    def _read(self, ours: str, each: Field) -> str:
        guesses = self.guesses
        if ours == "event_at" and guesses.time:
            argument = self._argument(each)
            if guesses.time.order in _REORDERED:
                argument = f"{_REORDERED[guesses.time.order]}({argument})"
            if guesses.time_of_day:
                argument = f"with_time_of_day({argument}, {self._argument(guesses.time_of_day)})"
            is_plain = argument == f"'{self._column(each)}'"
            return self._column(each) if is_plain else f"{{{{ {argument} }}}}"
        read = self._column(each)
        if each.path is not None:
            read = f"{{{{ {self._argument(each)} }}}}"
        if ours in ("price", "order_value") and (symbols := forms.symbols_in(each)):
            for symbol in symbols:
                read = f"replace({read}, {literal(symbol)}, '')"
            read = f"trim({read})"
        return read

    def _argument(self, each: Field) -> str:
        """A field as the argument of a macro."""
        if each.path is None:
            return f"'{self._column(each)}'"
        return f"json_text(json_object('{self._column(each)}'), '{each.path}')"

    def _column(self, each: Field) -> str:
        return self.columns[each.column][0]

    def _reason(self, ours: str) -> str:
        reason = self.guesses.reasons.get(ours)
        form = self.guesses.time
        if ours == "event_at" and form and form.order in ("day", "month"):
            sure = "" if form.is_sure else ", which no date of them proves"
            reason = f"{reason}, the {form.order} first{sure}"
        return f"  -- guess: {reason}" if reason else ""

    def _event_id_lines(self, fields: Mapping[str, str]) -> list[str]:
        if "event_id" not in fields:
            return ["row_hash as event_id,  -- rows alike in every field are one event"]
        known = f"{{{{ known_id('{fields['event_id']}') }}}}"
        return [f"coalesce({known}, row_hash) as event_id,{self._reason('event_id')}"]

    def _field_lines(self, ours: str, fields: Mapping[str, str]) -> list[str]:
        """One of our fields; nothing where no field of the rows gives it."""
        guesses = self.guesses
        if ours in fields:
            same = fields[ours] == ours
            return [f"{fields[ours]}{'' if same else f' as {ours}'},{self._reason(ours)}"]
        if ours == "items" and guesses.items:
            place = Field(guesses.items.column, guesses.items.path)
            read = self._column(place)
            if place.path is not None:
                read = f"{{{{ {self._argument(place)} }}}}"
            return [f"{read} as items,  -- guess: by the names in it"]
        if ours == "currency":
            if guesses.one_currency:
                return [f"'{guesses.one_currency}' as currency,  -- guess: of all amounts"]
            if "currency" not in guesses.item_paths:
                return ["cast(null as string) as currency,  -- if all amounts are in one: 'EUR'"]
        if ours in _MADE and "page_url" in fields:
            page = fields["page_url"]
            return [f"{{{{ url_parameter('{page}', '{ours}') }}}} as {ours},"]
        if ours == "device_type" and "user_agent" in fields:
            agent = fields["user_agent"]
            return [f"{{{{ device_of('{agent}') }}}} as device_type,{self._reason('user_agent')}"]
        return []

    def _type_lines(
        self, fields: Mapping[str, str], understood: Mapping[str, str | None]
    ) -> list[str]:
        if "event_type" not in fields:
            type_ = "purchase" if "order_id" in fields else "page_view"
            return [f"'{type_}' as event_type,  -- guess: no column says what happened"]
        word = fields["event_type"]
        written = [each for each in self.guesses.words if not _CANNOT_BE_WRITTEN.search(each.text)]
        known = [each for each in written if understood.get(each.text)]
        meant = [each for each in written if each.type_ and not understood.get(each.text)]
        others = [each for each in written if not each.type_ and not understood.get(each.text)]
        reason = self._reason("event_type").strip()
        lines = [f"{reason}; how often each word was there, of the rows that were looked at"]
        lines += [
            f"-- {literal(each.text)}: {each.count:,}, understood as {understood[each.text]}"
            for each in known[:_WORDS_SHOWN]
        ]
        lines += [
            f"-- {literal(each.text)}: {each.count:,}, activity only, unless you say what it is"
            for each in others[:_WORDS_SHOWN]
        ]
        if not meant:
            return [*lines, f"{word} as event_type,"]
        return [
            *lines,
            f"case {word}",
            *(
                f"    when {literal(each.text)} then '{each.type_}'  -- guess: {each.count:,}"
                for each in meant[:_WORDS_SHOWN]
            ),
            f"    else {word}",
            "end as event_type,",
        ]


def _wrapped(missing: Sequence[str]) -> list[str]:
    """The call of `null_fields`, in lines that are not too long; the last of the select."""
    if not missing:
        return ["cast(null as string) as unused"]
    lines, line = [], ""
    for each in missing:
        word = f"'{each}', "
        if len(line) + len(word) > 90:
            lines.append(line.rstrip())
            line = ""
        line += word
    lines.append(line.rstrip(", "))
    return ["{{ null_fields(", *(f"    {each}" for each in lines), ") }}"]


def _mark_of_price(ours: str, path: str) -> str:
    """What is said of the price of an item that is called a total."""
    return f"  # {NOT_OF_A_UNIT}" if ours == "price" and is_total(tokens_of(path)) else ""
