"""The files of all exports of an hour, as bytes, and what the manifest says of them.

Belongs here: putting together people, gates, rows and lists for each export of the settings. Not
here: what is known of each person (`facts`), where the files go (`outputs.hour_files`), nor any
rule of these parts.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from itertools import chain
from urllib.parse import quote

import duckdb
import polars as pl

from ml.experiments import Draw
from orchestration.ground.age_recipients import SUFFIX
from orchestration.ground.contact_settings import Contacts
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.ground.settings_exports import Export
from orchestration.landing.tombstones import read_key
from orchestration.modelling.holdout_arms import holdout_key
from orchestration.outputs.exports import (
    cart_contents,
    contact_log,
    csv_text,
    fired,
    membership,
    people,
    segments,
    variants,
)
from orchestration.outputs.exports.facts import Known, person_facts, read_known
from orchestration.outputs.exports.gates import (
    ELIGIBLE,
    FACTS,
    Policy,
    counts,
    gates,
    was_contacted,
)
from orchestration.outputs.exports.identifiers import RULESET
from orchestration.outputs.exports.manifest import File
from orchestration.outputs.exports.pending import Delivery
from orchestration.outputs.exports.presets import SUPPRESSION_FIELDS, Preset, find_preset
from orchestration.outputs.exports.rolling import Rolled, after_files, baseline, roll
from orchestration.outputs.exports.rows import (
    ROWS,
    Rows,
    left_rows,
    merge_rows,
    suppression_rows,
)
from orchestration.outputs.exports.taken import taken_by
from orchestration.outputs.exports.variants import ARM_ACTION
from orchestration.people.known_at import refused_until
from orchestration.warehouse.database import has_table


@dataclass(frozen=True)
class Prepared:
    """The exports of an hour, not written yet.

    Attributes:
        files: full, add and remove of each.
        exports: what the manifest says of each.
        deliveries: the lists to remember; none where there is no vault and so nobody on any list.
    """

    files: list[File] = field(default_factory=list)
    exports: dict[str, dict] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)


def prepare_exports(
    connection: duckdb.DuckDBPyConnection,
    home: Home,
    hour: datetime,
    settings: Settings,
    *,
    accepted: Iterable[str] = (),
    delivered_before: Iterable[str] = (),
    is_rewriting: bool = False,
    delivered_then: Iterable[str] = (),
    refused_by: datetime | None = None,
) -> Prepared:
    """The files of an hour.

    Args:
        connection: the open warehouse.
        home: where the key of the erased lies.
        hour: the scored hour.
        settings: the exports, and how much contact there may be.
        accepted: exports whose removals somebody said are meant.
        delivered_before: exports of which there are files of earlier hours.
        is_rewriting: whether the hour is rewritten after an erasure: it must show nobody erased,
            and nobody whom its files did not have, as nobody would know that they were contacted.
        delivered_then: of such an hour, the exports that had somebody on their list.
        refused_by: up to when refusals count; None: see `known_at.refused_until`.

    Raises:
        ComebackError: there is no such preset, segment or trigger.
    """
    taken = taken_by(home, settings)
    takes, triggers = taken.segments, taken.triggers
    draw = Draw(holdout_key(home, settings)) if settings.experiments and not is_rewriting else None
    tried = variants.variants_of(connection, settings.experiments, hour, draw)
    presets = {
        name: find_preset(each.profile, each.preset, name).model_copy(
            update={
                "has_segments": each.profile == "email" and bool(takes[name]),
                "has_variant": each.profile == "email" and bool(settings.experiments),
            }
        )
        for name, each in settings.exports.items()
    }
    erasure_key = None if is_rewriting else read_key(home.erasure_key)
    before = {
        name: membership.read_before(
            connection, name, _form(each, presets[name]), hour, erasure_key
        )
        for name, each in settings.exports.items()
    }
    windows = {each.window_days if each.is_ads else None for each in settings.exports.values()}
    carts = {days: people.scored_carts(connection, hour, days) for days in windows}
    members = {name: segments.members_of(connection, takes[name], hour) for name in takes}
    listed = {
        name: (
            carts[each.window_days if each.is_ads else None],
            # a contact by e-mail is about a cart
            members[name] if each.is_ads else members[name].clear(),
            fired.fired_for(connection, triggers[name], hour, each.window_days),
        )
        for name, each in settings.exports.items()
    }
    held_out = segments.held_out_of(connection, chain.from_iterable(listed.values()), hour)
    scored = {name: segments.with_members(*each, hour, held_out) for name, each in listed.items()}
    refused_by = refused_by or refused_until(connection, hour)
    attributes = {name for each in presets.values() for name in each.attributes}
    known = read_known(
        connection, home, hour, settings, scored.values(), before.values(), refused_by, attributes
    )
    prepared = Prepared()
    has_vault = has_table(connection, "vault", "current_profiles")
    for name, export in settings.exports.items():
        one = _Exporter(
            name,
            export,
            presets[name],
            settings.contacts,
            hour,
            known,
            members[name],
            tried,
            holdout_key(home, settings) if export.age_recipients else b"",
            settings.scores_keep_days,
        )
        rolled, summary, is_full, contacts = one.export(
            connection,
            scored[name],
            before[name],
            is_accepted=name in set(accepted),
            is_lost=name in set(delivered_before),
            only=_listed_then(connection, name, hour, set(delivered_then))
            if is_rewriting
            else None,
        )
        files = one.files(rolled)
        prepared.files.extend(files)
        prepared.exports[name] = summary
        if not has_vault and before[name].listed is None:
            continue
        sums = [each.sha256 for each in files]
        form = _form(export, presets[name])
        cooldown = timedelta(hours=settings.contacts.cooldown_hours)
        prepared.deliveries.append(
            Delivery(name, form, hour, rolled, is_full, sums, contacts, cooldown)
        )
    tried.keep(connection)
    return prepared


def _listed_then(
    connection: duckdb.DuckDBPyConnection, name: str, hour: datetime, delivered: Collection[str]
) -> frozenset[str] | None:
    """Who was on a list that is rewritten; None where somebody was, and it is not known who."""
    listed = membership.identifiers_at(connection, name, hour)
    return frozenset() if listed is None and name not in delivered else listed


def _with_erased(decided: pl.DataFrame) -> pl.DataFrame:
    """For a list that knows nobody but by the address: whoever was erased while on it leaves."""
    erased = {"person_id": [membership.ERASED], "gate": ["erased"], "has_own_reason": [False]}
    return pl.concat([decided.select(list(erased)), pl.DataFrame(erased)])


@dataclass(frozen=True)
class _Exporter:
    """One export of one hour."""

    name: str
    entry: Export
    preset: Preset
    contacts: Contacts
    hour: datetime
    known: Known
    members: pl.DataFrame
    tried: variants.Variants
    secret: bytes
    scores_keep_days: int

    def export(
        self,
        connection: duckdb.DuckDBPyConnection,
        scored: pl.DataFrame,
        before: membership.Before,
        *,
        is_accepted: bool,
        is_lost: bool,
        only: frozenset[str] | None,
    ) -> tuple[Rolled, dict, bool, pl.DataFrame]:
        """The lists, what the manifest says of them, whether people were added, and contacts."""
        is_of_persons = self.entry.profile != "suppressions"
        persons = person_facts(
            self.entry,
            self.preset,
            self.known,
            self.hour,
            scored,
            before.listed if is_of_persons else None,
        )
        policy = self._policy()
        if self.entry.profile == "email":
            persons = self.tried.with_variants(persons, policy)
        decided = persons.with_columns(
            gate=gates(persons.select(list(FACTS)), policy, self.hour),
            has_own_reason=was_contacted(policy, self.hour)
            | pl.col("user_id").is_in(self.known.forgotten).fill_null(value=False),
        )
        rows = self._rows(connection, decided.filter(gate=ELIGIBLE))
        if only is not None:
            listed = rows.frame.filter(pl.col("identifier").is_in(sorted(only)))
            rows = replace(rows, frame=listed)
        # whoever refuses does not wait for the next full list
        is_due = (
            not is_of_persons
            or before.full_at is None
            or self.hour - before.full_at >= timedelta(hours=self.entry.hours_between_full)
        )
        if before.listed is None:
            rolled = baseline(rows.frame, is_lost=before.is_lost or is_lost)
        else:
            rolled = roll(
                before.listed,
                rows.frame,
                decided if is_of_persons else _with_erased(decided),
                name=self.name,
                most_removed_share=self.entry.most_removed_share,
                # who stayed would have no row of the new preset
                are_removals_accepted=is_accepted or before.is_rewritten,
                is_full_due=is_due,
                is_of_refusals=not is_of_persons,
            )
        is_full = before.listed is None or (is_due and not rolled.is_held)
        contacts = contact_log.NOBODY
        if self.entry.profile == "email" and is_full:
            contacts = contact_log.contacts_of_hour(
                connection, self.name, decided, rolled.add, policy, self.hour
            )
        rolled = after_files(rolled, before.taken_back, before.taken_off)
        if before.is_rewritten:
            warnings = ("the preset is another one: every row counts as changed",)
            rolled = replace(rolled, warnings=(*rolled.warnings, *warnings))
        summary = {
            "profile": self.entry.profile,
            "preset": self.entry.preset,
            "ruleset": RULESET,
            "persons": rolled.full.height,
            "counts": counts(decided.filter(is_scored=True)["gate"]),
            "warnings": [*rolled.warnings, *self._warnings(rolled, rows)],
        }
        return rolled, summary, is_full, contacts

    def files(self, rolled: Rolled) -> list[File]:
        """The three files."""
        left = left_rows(
            rolled.remove["identifier"].to_list(), self.preset, self.entry.identifier, self.hour
        )
        return [
            self._file("full", self._header(), rolled.full["row"].to_list()),
            self._file("add", self._header(), rolled.add["row"].to_list()),
            self._file("remove", self._left_header(), left),
        ]

    def _file(self, part: str, header: list[str], rows: list[str]) -> File:
        name, content = f"{self.name}.{part}.csv", csv_text.to_bytes(header, rows)
        if self.entry.age_recipients:
            from orchestration.outputs.exports import age  # its library is slow to import

            name = f"{name}{SUFFIX}"
            content = age.encrypted(content, self.entry.age_recipients, self.secret)
        return File(name, content, len(rows), header)

    def _header(self) -> list[str]:
        if self.entry.profile == "suppressions":
            return self.preset.header(SUPPRESSION_FIELDS)
        return self.preset.header(self.preset.fields(self.entry.identifier))

    def _left_header(self) -> list[str]:
        return self.preset.header(self.preset.left_fields(self.entry.identifier))

    def _policy(self) -> Policy:
        return Policy(
            capacity=self.entry.hourly_capacity,
            cooldown=timedelta(hours=self.contacts.cooldown_hours),
            most_in_7_days=self.contacts.most_in_7_days,
            quiet_from=time(self.contacts.quiet_from),
            quiet_until=time(self.contacts.quiet_until),
            time_zone=self.contacts.time_zone,
            is_timed=not self.entry.is_ads,
        )

    def _rows(self, connection: duckdb.DuckDBPyConnection, eligible: pl.DataFrame) -> Rows:
        """The rows of the file, by priority, then identifier."""
        if self.entry.profile == "suppressions":
            refused = pl.concat([self.known.suppressions, self.known.withdrawn]).sort(
                "suppressed_at", nulls_last=False, maintain_order=True
            )
            return suppression_rows(refused, self.known.profiles.frame, self.preset)
        eligible = eligible.sort("priority", "contact")
        if self.entry.is_ads:
            return Rows(eligible.select(list(ROWS)), {})
        merged = eligible
        for known in (cart_contents.cart_items, cart_contents.bought_with):
            of_carts = known(connection, eligible, self.hour)
            merged = merged.join(of_carts, on="cart_id", how="left", maintain_order="left")
        merged = merged.join(self.members, on="person_id", how="left", maintain_order="left")
        merged = merged.with_columns(
            external_id=pl.col("user_id"),
            cart_segment=pl.col("segment"),
            cart_action=pl.coalesce(ARM_ACTION, "best_action"),
            cart_priority=pl.col("priority"),
            cart_currency=pl.col("currency"),
            send_after=pl.col("contact_not_before"),
            valid_until=pl.col("contact_valid_until"),
            score_as_of=pl.lit(self.hour).cast(pl.Datetime("us")),
            cart_url=self._cart_urls(eligible),
        )
        return merge_rows(merged, self.preset, self.entry.identifier)

    def _cart_urls(self, eligible: pl.DataFrame) -> pl.Series:
        ids = eligible.select("cart_id", "user_id").iter_rows()
        pattern = self.contacts.cart_url
        urls = [
            pattern.format(cart_id=quote(cart, safe=""), external_id=quote(user or "", safe=""))
            for cart, user in ids
        ]
        return pl.Series(urls, dtype=pl.String)

    def _warnings(self, rolled: Rolled, rows: Rows) -> Iterable[str]:
        least = self.preset.least_persons
        if rolled.full.height < least:
            yield f"{rolled.full.height} persons are listed: the tool uses no list of below {least}"
        kept, window = self.scores_keep_days, self.entry.window_days
        if self.entry.is_ads and kept < window:
            yield f"people leave after {kept} days and not {window}: scores_keep_days is {kept}"
        for column, cells in rows.blanked.items():
            yield f"{column}: {cells} cells left empty, which could be run or which no tool takes"
        for fault, cells in sorted(self.known.profiles.faults.items()):
            values = "value" if cells == 1 else "values"
            yield f"{cells} {values} of profiles could not be used: {fault.replace('_', ' ')}"


def _form(export: Export, preset: Preset) -> str:
    form = f"{export.profile} {export.preset} {export.identifier}"
    form = f"{form} with segments" if preset.has_segments else form
    return f"{form} with variant" if preset.has_variant else form
