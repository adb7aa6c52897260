"""What delivered rows about people mean: typed, each once, or why they say nothing.

Belongs here: the tables of the vault that follow from the delivered rows alone, and the accounting
of their files. Not here: what was known at an instant (`known_at`), or the words (`words`).

They are made again whole whenever a row came or went, or a rule or setting changed; an hour
without such a change asks one small question.
"""

import hashlib
from collections.abc import Mapping, Sequence
from zoneinfo import available_timezones

import duckdb

from orchestration.ground.rule_macros import rule_macros
from orchestration.ground.settings import Settings
from orchestration.ground.sql import literal, quoted, transaction
from orchestration.landing import Source
from orchestration.landing.addresses import define_address_keys
from orchestration.landing.ids import known_id
from orchestration.landing.raw_tables import raw_table
from orchestration.landing.sources import PEOPLE
from orchestration.people import attributes, messages, set_aside, words
from orchestration.warehouse.database import has_table

# What `known_at` makes of them.
CURRENT_TABLES = ("current_profiles", "current_suppressions")

_TEXTS = ("first_name", "last_name", "language")
_ADDRESSES = ("email", "phone")


def settle(
    connection: duckdb.DuckDBPyConnection, sources: Mapping[str, Source], settings: Settings
) -> bool:
    """Bring the vault's tables up to the delivered rows, all or none.

    Makes `vault.profile_versions`, `vault.suppression_rows`, `vault.contact_rows` and
    `vault.erasure_requests`, of attributes `scores.person_attributes`, of
    messages `scores.person_messages`, and of each file how many
    rows count (`raw.people_rows`) and which do not (`raw.people_set_aside`), without any text.

    Args:
        connection: the open warehouse, after landing, outside a transaction, in UTC.
        sources: all sources, with the shop's words for nobody.
        settings: the skew of clocks that is allowed.

    Returns:
        Whether anything had changed.
    """
    people = {name: source for name, source in sources.items() if source.holds == PEOPLE}
    state = _state(connection, people)
    if state is None and _settled(connection) is None:
        return False
    statements = _statements(people, settings)
    digest = hashlib.sha256("\0".join((str(state), *statements)).encode()).hexdigest()
    if _settled(connection) == digest:
        return False
    define_address_keys(connection)
    with transaction(connection):
        for statement in statements:
            connection.execute(statement)
        set_aside.forget_gone(connection, people)
        connection.execute(f"create or replace table vault.settled as select '{digest}' as digest")
    return True


def forget(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop all that follows from the delivered rows; `settle` makes it again."""
    for table in ("settled", "profile_versions", *_TABLES.values(), *CURRENT_TABLES):
        connection.execute(f"drop table if exists vault.{table}")
    attributes.forget(connection)
    messages.forget(connection)


def _settled(connection: duckdb.DuckDBPyConnection) -> str | None:
    """The digest of what the tables were made of; None before that."""
    if not has_table(connection, "vault", "settled"):
        return None
    return connection.execute("select digest from vault.settled").fetchall()[0][0]


def _state(
    connection: duckdb.DuckDBPyConnection, people: Mapping[str, Source]
) -> tuple[object, ...] | None:
    """What changes when a row about people comes or goes; None where there never was one."""
    names = ", ".join(map(literal, people))
    counts = ", ".join(f"(select count(*) from {raw_table(each)})" for each in people.values())
    (state,) = connection.execute(
        f"select count(*), max(load_id), max(landed_at), {counts}"
        f" from raw.files where source in ({names})"
    ).fetchall()
    return state if state[0] else None


def _statements(people: Mapping[str, Source], settings: Settings) -> list[str]:
    """The SQL that makes all of it, in order."""
    reading = _Reading(settings)
    typed = {
        "profiles": reading.profiles,
        "suppressions": reading.suppressions,
        "contacts": reading.contacts,
        "erasures": reading.erasures,
    }
    statements = [
        f"create or replace temp table typed_{name} as {make(people[name])}"
        for name, make in typed.items()
    ]
    every = " union all ".join(
        f"select load_id, line, drop_reason, repair_reasons, is_duplicate from typed_{name}"
        for name in typed
    )
    return [
        *statements,
        "delete from raw.people_rows",
        "delete from raw.people_set_aside",
        "insert into raw.people_rows select load_id,"
        " count(*) filter (where drop_reason is null and not is_duplicate),"
        " count(*) filter (where drop_reason is null and is_duplicate)"
        f" from ({every}) group by load_id",
        f"""
        insert into raw.people_set_aside
        with typed as ({every})
        select load_id, line, 'dropped', drop_reason from typed where drop_reason is not null
        union all
        select load_id, line, 'repaired', unnest(repair_reasons) from typed
        where drop_reason is null and not is_duplicate
        order by all
        """,
        *(_kept(name, table) for name, table in _TABLES.items()),
        _UNDATED_REFUSALS,
        _PROFILE_VERSIONS,
        *attributes.STATEMENTS,
        *messages.STATEMENTS,
        *(f"drop table typed_{name}" for name in typed),
    ]


_TABLES = {
    "suppressions": "suppression_rows",
    "contacts": "contact_rows",
    "erasures": "erasure_requests",
}


def _kept(name: str, table: str) -> str:
    return (
        f"create or replace table vault.{table} as select * exclude (drop_reason,"
        f" repair_reasons, is_duplicate) from typed_{name}"
        " where drop_reason is null and not is_duplicate order by load_id, line"
    )


# A profile without a time replaces no other, but whoever says no in it is not asked for when: from
# its landing on, until a consent that is granted later.
_UNDATED_REFUSALS = f"""
insert into vault.suppression_rows by name
select
    load_id, line, unnest(refused) as channel, user_id,
    {literal(words.UNSUBSCRIBED)} as reason, landed_at as suppressed_at
from typed_profiles
where drop_reason in ('bad_time', 'implausible_time')
"""

# A row replaces the person's row before it whole; of rows of one time the one that allows less
# counts, and what one of them does not allow is not allowed.
_PROFILE_VERSIONS = f"""
create or replace table vault.profile_versions as
with ranked as (
    select
        *,
        row_number() over (
            partition by user_id, updated_at
            order by
                {" + ".join(f"{name}::integer" for name in words.CONSENTS)}, is_stripped, content
        ) as place,
        {
    ", ".join(
        f"bool_and({name}) over (partition by user_id, updated_at) as has_{name}"
        for name in words.CONSENTS
    )
}
    from typed_profiles
    where drop_reason is null and not is_duplicate
)
select
    user_id, email, phone, first_name, last_name, country, language, time_zone,
    {", ".join(f"has_{name} as {name}" for name in words.CONSENTS)},
    updated_at, attributes, email_key, is_stripped, load_id, line
from ranked
where place = 1
order by user_id, updated_at
"""


class _Reading:
    """SQL over the delivered rows of each source; settings are in it.

    Each query has load_id, line, the typed columns, drop_reason (why the row says nothing),
    repair_reasons (what of it is not read) and is_duplicate (a row alike in every field landed
    before).
    """

    def __init__(self, settings: Settings) -> None:
        self._macros = rule_macros(settings)

    def profiles(self, source: Source) -> str:
        """The person, the time and the row's own fields are needed."""
        zones = ", ".join(map(literal, sorted(available_timezones())))
        no_country = "nullif(trim(country), '') is not null and country_code(country) is null"
        return self._query(
            source,
            "updated_at",
            columns={
                "user_id": "user_id",
                "email": "email",
                "phone": "phone",
                **{name: f"nullif(trim({name}), '')" for name in _TEXTS},
                "country": "country_code(country)",
                "time_zone": f"case when trim(time_zone) in ({zones}) then trim(time_zone) end",
                **{name: words.allows(name) for name in words.CONSENTS},
                "updated_at": "instant",
                "attributes": attributes.given_in("_extra"),
                "email_key": "email_key(email)",
                "content": "content",
                "refused": words.refused_channels(),
                "landed_at": "landed_at",
                # a row that was delivered again says more than what is left of it
                "is_stripped": "(_load_id, _line) in (select (load_id, line)"
                " from raw.stripped_rows)",
            },
            drop=f"case when {self._is_rounded('user_id')} then 'rounded_id'"
            " when user_id is null then 'no_identity'"
            " when instant is null then 'bad_time' when is_implausible then 'implausible_time' end",
            repair={
                "bad_country": no_country,
                "bad_time_zone": "nullif(trim(time_zone), '') is not null"
                f" and not trim(time_zone) in ({zones})",
            },
        )

    def suppressions(self, source: Source) -> str:
        """Whom it is for is needed; what is not understood is taken to forbid most."""
        return self._query(
            source,
            "suppressed_at",
            columns={
                "channel": f"coalesce({words.channel('channel')}, 'all')",
                "user_id": self._sound("user_id"),
                "email": "email",
                "phone": "phone",
                "visitor_id": "cast(null as varchar)",
                "reason": f"coalesce({words.reason('reason')}, {literal(words.FOR_GOOD)})",
                "suppressed_at": "case when not is_implausible then instant end",
                "email_key": "email_key(email)",
            },
            drop=self._nobody("user_id", "email", "phone"),
            repair={
                "bad_channel": f"{words.channel('channel')} is null",
                "bad_reason": f"nullif(trim(reason), '') is not null"
                f" and {words.reason('reason')} is null",
                **_BAD_TIMES,
            },
        )

    def contacts(self, source: Source) -> str:
        """Whom it went to is needed, and when, but of what suppresses."""
        status = f"coalesce({words.status('status')}, case when nullif(trim(status), '') is null"
        status += " then 'sent' end)"
        suppresses = f"coalesce({words.status('status')} in ({_list(words.SUPPRESSING)}), false)"
        return self._query(
            source,
            "contacted_at",
            columns={
                "contacted_at": "case when not is_implausible then instant end",
                "user_id": self._sound("user_id"),
                "email": "email",
                "visitor_id": self._sound("visitor_id"),
                "channel": words.channel("channel"),
                "campaign": "nullif(trim(campaign), '')",
                "status": status,
                "email_key": "email_key(email)",
            },
            drop=f"case when ({self._nobody('user_id', 'email', 'visitor_id')}) is not null"
            f" then {self._nobody('user_id', 'email', 'visitor_id')}"
            f" when {suppresses} then null when instant is null then 'bad_time'"
            " when is_implausible then 'implausible_time' end",
            repair={
                "bad_channel": f"nullif(trim(channel), '') is not null"
                f" and {words.channel('channel')} is null",
                "bad_status": f"nullif(trim(status), '') is not null"
                f" and {words.status('status')} is null",
                **_BAD_TIMES,
            },
        )

    def erasures(self, source: Source) -> str:
        """Whom it is for is needed, and nothing else."""
        return self._query(
            source,
            "requested_at",
            columns={
                "user_id": self._sound("user_id"),
                "visitor_id": self._sound("visitor_id"),
                "requested_at": "instant",
            },
            drop=self._nobody("user_id", "visitor_id"),
            repair=_BAD_TIMES,
        )

    def _query(
        self,
        source: Source,
        time_name: str,
        *,
        columns: Mapping[str, str],
        drop: str,
        repair: Mapping[str, str],
    ) -> str:
        fields = (*source.column_names, "_extra")
        content = ", ".join(f"{literal(f'{name}=')} || delivered.{quoted(name)}" for name in fields)
        ids = {
            name: known_id(f"delivered.{quoted(name)}", source.placeholders)
            for name in source.column_names
            if name in ("user_id", "visitor_id", *_ADDRESSES)
        }
        values = ", ".join(f"{value} as {name}" for name, value in columns.items())
        reasons = ", ".join(
            f"case when {test} then {literal(reason)} end" for reason, test in repair.items()
        )
        known = ", ".join(f"{value} as {quoted(name)}" for name, value in ids.items())
        return f"""
        with delivered as (
            select
                delivered.* replace ({known}),
                files.landed_at,
                concat_ws(chr(31), {content}) as content,
                {self._macros.event_time_in(f"delivered.{quoted(time_name)}", source.zone)}
            from {raw_table(source)} as delivered
            inner join raw.files on delivered._load_id = files.load_id
        ),
        timed as (
            select
                * exclude (event_at),
                event_at as instant,
                coalesce({self._macros.is_implausible_time("event_at", "landed_at")}, false)
                    as is_implausible,
                nullif(trim({quoted(time_name)}), '') is not null as has_time
            from delivered
        ),
        typed as (
            select
                _load_id as load_id,
                _line as line,
                {drop} as drop_reason,
                list_filter([{reasons}], lambda reason: reason is not null) as repair_reasons,
                content as row_content,
                {values}
            from timed
        )
        select
            * exclude (row_content),
            drop_reason is null and row_number() over (
                partition by row_content, drop_reason is null order by load_id, line
            ) > 1 as is_duplicate
        from typed
        """

    def _is_rounded(self, column: str) -> str:
        return f"({self._macros.is_rounded_id(column)})"

    def _sound(self, column: str) -> str:
        return f"case when not {self._is_rounded(column)} then {column} end"

    def _nobody(self, *columns: str) -> str:
        """Why a row names nobody, by any of its columns; null if it does."""
        ids = [name for name in columns if name.endswith("_id")]
        sound = [self._sound(name) if name in ids else name for name in columns]
        return (
            f"case when coalesce({', '.join(sound)}) is not null then null"
            f" when coalesce({', '.join(ids)}) is not null then 'rounded_id'"
            " else 'no_identity' end"
        )


_BAD_TIMES = {
    "bad_time": "has_time and instant is null",
    "implausible_time": "is_implausible",
}


def _list(texts: Sequence[str] | Mapping[str, str]) -> str:
    return ", ".join(map(literal, texts))
