"""Why a trigger fired: `comeback explain --trigger` shows the lines of the log that it looked at.

Belongs here: a trigger, when it fired for a person, and the events behind the newest time, as text.
Not here: when it fires (`dbt_project/models/triggers`), how it is written (`ground.triggers`), or
carts and scores (`explanation`). Nothing is written.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import ModuleType

import duckdb
import polars as pl

from ml.features import USER_PREFIX
from orchestration.ground.errors import ComebackError, WrongUsage
from orchestration.ground.home import Home
from orchestration.ground.hours import iso
from orchestration.ground.own_files import raise_fault_of
from orchestration.ground.project import project_of
from orchestration.ground.rule_macros import rule_macros
from orchestration.ground.settings import load_settings
from orchestration.ground.triggers import Condition, Trigger, triggers_in
from orchestration.status_lines import aligned, in_print
from orchestration.warehouse import database

SHOWN_HOURS = 10
SHOWN_EVENTS = 200

_FIRINGS = """
    select fired_at, item_id, cart_id
    from main.trigger_events
    where trigger = $trigger and person_id = $person
    order by fired_at desc, item_id, cart_id
"""
_NEWEST = """
    select person_id
    from main.trigger_events
    where trigger = ?
    order by fired_at desc, person_id
    limit 1
"""
# What was this person's when it happened, up to the hour; an order is its first purchase. With an
# item only what is of it, with a cart only what came since it began.
_LOG = """
    create or replace temp table looked_at as
    select distinct files.file, events.line, events.event_at, events.event_type, events.item_id,
        events.is_activity, events.event_rank, events.event_id,
        case
            when $item is null or not coalesce(listed.is_of_item, false) then events.counted_as
            else {item_counted_as}
        end as counted_as,
        coalesce({is_page_view_too}, false) as is_page_view_too,
        $item is null
            or coalesce(bought.is_of_item, listed.is_of_item, events.item_id = $item, false)
            as is_of_item,
        events.event_type != 'purchase' or orders.order_key is not null as is_counted
    from main.events as events
    left join raw.files as files on events.load_id = files.load_id
    left join (
        select row_key, item_id = $item as is_of_item, quantity
        from main.candidate_items
        qualify is_of_item or not bool_or(is_of_item) over (partition by row_key)
    ) as listed on events.row_key = listed.row_key
    left join main.order_events as orders
        on events.visitor_id = orders.visitor_id and events.event_number = orders.event_number
    left join (
        select order_key, bool_or(item_id = $item) as is_of_item
        from main.order_items where {counts_as_bought} group by 1
    ) as bought on orders.order_key = bought.order_key
    where events.event_at <= $hour
        and (events.visitor_id = $person and events.owner_id is null or events.owner_id = $user)
"""
_CART = "select started_at from main.carts where cart_id = ?"
# The carts of whoever their visitor was at the hour: open, or left behind.
_CARTS = """
    select carts.cart_id
    from main.carts as carts
    inner join main.sessions as sessions on carts.session_id = sessions.session_id
    where {is_cart_open}
        and {expires_at} >= $hour
        and ($cart_state = 'open' or {session_over_at} <= $hour)
        and (
            select arg_max({person_id}, events.event_number)
            from main.events as events
            where events.visitor_id = carts.visitor_id and events.event_at <= $hour
        ) = $person
"""
_OF_CARTS = """
    select files.file, events.line, events.event_at, events.event_type, events.item_id
    from main.events as events
    inner join main.cart_operations as operations
        on events.source = operations.source and events.event_id = operations.event_id
    left join raw.files as files on events.load_id = files.load_id
    where operations.cart_id in (select unnest($carts::varchar[]))
        and operations.event_at <= $hour
    group by all
    order by events.event_at, events.line
"""


@dataclass(frozen=True)
class _Firing:
    """One hour at which it fired."""

    at: datetime
    item_id: str | None
    cart_id: str | None

    def __str__(self) -> str:
        part = [f"item {self.item_id}"] if self.item_id is not None else []
        part += [f"cart {self.cart_id}"] if self.cart_id is not None else []
        return " for ".join([iso(self.at), *part])


def explain_trigger(home: Home, name: str, person: str | None = None) -> list[str]:
    """The trigger, the hours at which it fired for a person, and the events behind the newest.

    Args:
        home: where the warehouse is.
        name: of the trigger.
        person: person_id: `user:<owner_id>`, or a visitor_id; None: for whom it fired last.

    Raises:
        WrongUsage: no trigger has that name, or its file is wrong.
        ComebackError: no hour was run yet, or none since the trigger is there or was changed; it
            never fired for this person; or the warehouse cannot be opened.
    """
    settings = load_settings(home.root)
    trigger = _named(home, name)
    if not home.warehouse.exists():
        raise _nothing_yet(home)
    with home.lock(wait_seconds=0), database.connect(home, settings) as connection:
        if not database.has_table(connection, "main", "trigger_events"):
            raise _nothing_yet(home)
        if not _was_looked_at(connection, trigger):
            raise ComebackError(
                f"version {trigger.version} of the trigger {name} was not looked at yet",
                str(home.warehouse),
                "run: comeback run",
            )
        if person is None:
            person = _whose_is_newest(connection, name)
        found = connection.execute(_FIRINGS, {"trigger": name, "person": person}).fetchall()
        if not found:
            raise ComebackError(
                f"the trigger {name} never fired for '{person[:40]}'",
                "--person",
                "give a person_id of the table trigger_events: user:<owner_id>, or a visitor_id",
            )
        firings = [_Firing(*row) for row in found]
        events = _behind(connection, trigger, person, firings[0], rule_macros(settings))
    return [*map(in_print, _heading(trigger, person, firings)), *events]


def _whose_is_newest(connection: duckdb.DuckDBPyConnection, name: str) -> str:
    found = connection.execute(_NEWEST, [name]).fetchall()
    if not found:
        raise ComebackError(
            f"the trigger {name} never fired",
            "trigger_events",
            "look up its conditions: triggers/*.yml",
        )
    return found[0][0]


def _named(home: Home, name: str) -> Trigger:
    raise_fault_of(home, "trigger", name)
    triggers = {trigger.name: trigger for trigger in triggers_in(project_of(home))}
    if name not in triggers:
        raise WrongUsage(
            f"no trigger is called '{name[:40]}'", "--trigger", f"use one of: {', '.join(triggers)}"
        )
    return triggers[name]


def _was_looked_at(connection: duckdb.DuckDBPyConnection, trigger: Trigger) -> bool:
    """Whether the last build knew the trigger in its version; one of an older release says not."""
    known = connection.execute(
        "select count(*) from duckdb_columns() where schema_name = 'main'"
        " and table_name = 'last_build' and column_name = 'triggers'"
    ).fetchall()[0][0]
    if not known:
        return True
    rows = connection.execute("select triggers from main.last_build").fetchall()
    return any(json.loads(text).get(trigger.name) == trigger.version for (text,) in rows)


def _nothing_yet(home: Home) -> ComebackError:
    return ComebackError("no trigger was looked at yet", str(home.warehouse), "run: comeback run")


def _heading(trigger: Trigger, person: str, firings: Sequence[_Firing]) -> Iterator[str]:
    yield f"Trigger    {trigger.name}, version {trigger.version}, per {trigger.per}"
    yield f"           {trigger.description}"
    yield f"Person     {person}"
    more = len(firings) - SHOWN_HOURS
    often = "once" if len(firings) == 1 else f"{len(firings)} times, the newest first"
    yield f"Fired      {often}" + (f", {more} more" if more > 0 else "")
    for firing in firings[:SHOWN_HOURS]:
        yield f"           {firing}"


def _behind(
    connection: duckdb.DuckDBPyConnection,
    trigger: Trigger,
    person: str,
    firing: _Firing,
    rules: ModuleType,
) -> list[str]:
    """What each condition found at the hour: a line, and the events if there are any."""
    of_item = rules.item_counted_as("events.event_type", "listed.quantity")
    user = person.removeprefix(USER_PREFIX) if person.startswith(USER_PREFIX) else None
    connection.execute(
        _LOG.format(
            item_counted_as=of_item,
            is_page_view_too=rules.is_page_view_too("events.event_type", "events.context_flags"),
            counts_as_bought=rules.counts_as_bought("order_items"),
        ),
        {"item": firing.item_id, "hour": firing.at, "person": person, "user": user},
    )
    log = connection.sql("select * from looked_at order by event_at, event_rank, event_id").pl()
    begun_at = None
    if firing.cart_id is not None:
        begun_at = connection.execute(_CART, [firing.cart_id]).fetchall()[0][0]
    lines = [f"At         {iso(firing.at)}:"]
    for condition in trigger.when:
        anchors = 0
        if condition.kind == "cart":
            carts = [firing.cart_id]
            if firing.cart_id is None:
                carts = _carts_of(connection, person, condition, firing.at, rules)
            found = _cart_events(connection, carts, firing.at)
            text = f"a cart is {condition.cart}"
            if condition.value_at_least is not None:
                text += f", worth {condition.value_at_least:f} or more"
        else:
            text, found, anchors = _found(log, condition, firing.at, begun_at)
        lines.append(f"  {text}: {_count(found.height - anchors)}")
        if found.height:
            columns = ("file", "line", "event_at", "event_type", "item_id")
            lines.append(aligned(found.select(columns).tail(SHOWN_EVENTS)))
    return lines


def _count(events: int) -> str:
    more = f", the newest {SHOWN_EVENTS} of them" if events > SHOWN_EVENTS else ""
    noun = "event" if events == 1 else "events"
    return f"{events} {noun}{more}" if events else "none"


def _carts_of(
    connection: duckdb.DuckDBPyConnection,
    person: str,
    condition: Condition,
    hour: datetime,
    rules: ModuleType,
) -> list[str]:
    """The carts of a person that were as the condition has it, whatever they were worth."""
    query = _CARTS.format(
        is_cart_open=rules.is_cart_open("carts", "$hour"),
        expires_at=rules.cart_expires_at("carts.last_touched_at"),
        session_over_at=rules.session_over_at("sessions.ended_at"),
        person_id=rules.person_id("events.owner_id", "events.visitor_id"),
    )
    asked = {"person": person, "hour": hour, "cart_state": condition.cart}
    return [cart_id for (cart_id,) in connection.execute(query, asked).fetchall()]


def _cart_events(
    connection: duckdb.DuckDBPyConnection, carts: Sequence[str], hour: datetime
) -> pl.DataFrame:
    return connection.sql(_OF_CARTS, params={"carts": [*carts], "hour": hour}).pl()


def _found(
    log: pl.DataFrame, condition: Condition, hour: datetime, begun_at: datetime | None
) -> tuple[str, pl.DataFrame, int]:
    """A condition in words, the events that it rests on, and how many of these are the first that
    it counts since, and not counted themselves."""
    active = log.filter(pl.col("is_activity"))
    if condition.kind in ("idle_at_least", "idle_at_most"):
        words = condition.kind.replace("_", " ")
        return f"{words} {_span(condition.minutes)}, the last activity", active.tail(1), 0
    after = hour - timedelta(minutes=condition.minutes or 0)
    if condition.kind == "back_after":
        away = timedelta(minutes=condition.away_minutes)
        gap = pl.col("event_at") - pl.col("event_at").shift(1)
        is_back = (gap >= away) & (pl.col("event_at") > after)
        returns = active.with_columns(is_back=is_back.fill_null(value=False)).with_columns(
            is_before=pl.col("is_back").shift(-1).fill_null(value=False)
        )
        text = f"back after {_span(condition.away_minutes)} within {_span(condition.minutes)}"
        return text, returns.filter(pl.col("is_back") | pl.col("is_before")), 0
    counted = log.filter(pl.col("is_of_item") & pl.col("is_counted"))
    if begun_at is not None:
        counted = counted.filter(pl.col("event_at") >= begun_at)
    text = (
        f"none of {condition.event_type}"
        if condition.kind == "none"
        else f"at least {condition.at_least} of {condition.event_type}"
    )
    if condition.distinct is not None:
        text += f" with another {condition.distinct}"
    events = counted.filter(_counts_as(condition.event_type))
    if condition.since is None:
        in_span = events.filter(pl.col("event_at") > after)
        return f"{text} within {_span(condition.minutes)}", in_span, 0
    since = counted.filter(_counts_as(condition.since)).tail(1)
    later = events.filter(pl.col("event_at") > since["event_at"].max())
    text += f" since {condition.since}, which is the first line"
    return text, pl.concat([since, later]), since.height


def _counts_as(event_type: str) -> pl.Expr:
    is_page = pl.col("is_page_view_too") & (pl.lit(event_type) == "page_view")
    return (pl.col("counted_as") == event_type) | is_page


def _span(minutes: int) -> str:
    """A span as rules write it; a day is 24h there."""
    if minutes % 60:
        return f"{minutes}m"
    hours = minutes // 60
    return f"{hours}h" if hours % 24 or hours == 24 else f"{hours // 24}d"
