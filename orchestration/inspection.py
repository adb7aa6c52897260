"""What dumps hold, and what a run would make of them, before anything is loaded: `inspect`.

Belongs here: what is asked of the tables of a run that was tried, and the lines that say it. Not
here: trying it (`inspection_trial`), and ids that a shop should not keep (`inspection_ids`).
"""

import json
from collections.abc import Iterator, Sequence

import duckdb

from orchestration.ground.home import Home
from orchestration.ground.rule_macros import rule_macros
from orchestration.ground.settings import Settings, load_settings
from orchestration.ground.sql import literal, quoted
from orchestration.ground.text import in_print
from orchestration.inspection_ids import odd_id_lines
from orchestration.inspection_others import lines_of_others
from orchestration.inspection_trial import tried
from orchestration.landing import Source, find_files, source_named
from orchestration.landing.date_and_time import DATE_NAMES
from orchestration.landing.ids import known_id
from orchestration.landing.locations import known_sources, with_placeholders
from orchestration.landing.raw_tables import raw_table
from orchestration.landing.recognition import recognized
from orchestration.landing.signatures import name_key
from orchestration.landing.sources import EVENTS, PEOPLE, RATES, SALES
from orchestration.warehouse import suspect_files
from orchestration.warehouse.remedies import with_remedy

# Of a time that is no epoch: how it begins, and how it ends where it says where the clock was.
DATE = r"^\s*(\d{4}-\d{2}-\d{2}|\d{8}([T ]|$)|\d{4}/\d{1,2}/\d{1,2}|\d{1,2}[./-]\d{1,2}[./-]\d{4})"
OFFSET = r"(Z|z|UTC|GMT|[ T][\d:.,]+ ?[+-]\d{2}(:?\d{2})?)\s*$"
# A day alone, or its midnight: what a cast to a date leaves of a time.
MIDNIGHT = (
    r"^\s*(\d{4}-\d{2}-\d{2}|\d{8})([T ]00:?00(:?00([.,]0+)?)?)?"
    r" ?(Z|z|UTC|GMT|[+-]\d{2}:?\d{2})?\s*$"
)
_BECOMES = {
    EVENTS: "become events",
    RATES: "become rates",
    SALES: "become sales",
    PEOPLE: "say something of people",
}
_SHOWN = 10
_SHOWN_CHARACTERS = 200
_EXTRA_ROWS = 100_000


def inspect(home: Home, addresses: Sequence[str], source: str | None) -> list[str]:
    """Say what files hold and what a run would make of them; nothing in the home is changed.

    What has landed before plays no part: a row of these files that came in others too is no
    duplicate here.

    Args:
        home: whose settings, own sources and tombstones count.
        addresses: files, folders or addresses.
        source: whose dumps they are; None: the source that they look like.

    Returns:
        Lines of text, a fact each.

    Raises:
        ComebackError: a setting or a definition is wrong, or no source fits.
        WrongUsage: several sources fit.
    """
    sources = known_sources(home)
    settings = load_settings(home.root)
    files = [
        file
        for address in addresses
        for file in find_files(address, follow_symlinks=settings.follow_symlinks)
    ]
    because = "as given"
    if source is None:
        found = recognized(files, sources)
        source, because = found.source, found.because
    definition = with_placeholders(sources, settings)[source_named(sources, source).name]
    with tried(home, settings, sources, definition, addresses) as connection:
        return [
            f"Source      {source}: {because}",
            *_lines(connection, definition, settings),
        ]


def _lines(
    connection: duckdb.DuckDBPyConnection, source: Source, settings: Settings
) -> Iterator[str]:
    yield from _file_lines(connection, source)
    yield from _column_lines(connection, source)
    if source.holds != EVENTS:
        yield from lines_of_others(connection, source, settings)
        yield from _aside_lines(connection)
        return
    yield from _type_lines(connection, source, settings)
    yield from _id_lines(connection, source)
    yield from odd_id_lines(connection, source)
    yield from _time_lines(connection, source)
    yield from _page_lines(connection)
    yield from _item_lines(connection)
    yield from _aside_lines(connection)
    yield from _outcome_lines(connection)


def _file_lines(connection: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    ((files, rows, accepted, duplicate, dropped, repaired),) = connection.execute(
        "select count(*) filter (where skipped_reason is null), coalesce(sum(rows_read), 0),"
        " coalesce(sum(rows_accepted), 0), coalesce(sum(rows_duplicate), 0),"
        " coalesce(sum(rows_dropped), 0), coalesce(sum(rows_repaired), 0) from main.landed_files"
    ).fetchall()
    yield f"Files       {_count(files, 'file')}, {_count(rows, 'row')}"
    yield (
        f"Rows        {accepted:,} {_BECOMES[source.holds]}, {duplicate:,} are duplicates,"
        f" {dropped:,} would be dropped; {repaired:,} would be repaired"
    )
    yield from _said_of_files(connection, "Not read", "skipped_reason")
    for file in suspect_files.pending(connection):
        yield f"Suspect     {with_remedy(f'{in_print(file.summary)}; a run would stop', file.todo)}"
    yield from _said_of_files(connection, "Note", "note", "skipped_reason is null")


def _said_of_files(
    connection: duckdb.DuckDBPyConnection, label: str, column: str, condition: str = "true"
) -> Iterator[str]:
    """What a column of `landed_files` says of the first files, and of how many others it does."""
    found = connection.execute(
        f"select file, {column} from main.landed_files where {column} is not null and {condition}"
        " order by load_id"
    ).fetchall()
    for file, said in found[:_SHOWN]:
        yield f"{label:<11} {in_print(file)}: {in_print(said)}"
    if len(found) > _SHOWN:
        yield f"            and {_count(len(found) - _SHOWN, 'more file')}"


def _column_lines(connection: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    counts = ", ".join(f"count({quoted(name)})" for name in source.column_names)
    (filled,) = connection.execute(f"select {counts} from {raw_table(source)}").fetchall()
    there = [name for name, count in zip(source.column_names, filled, strict=True) if count]
    yield f"Columns     read: {', '.join(there) or 'none'}"
    if lacking := [name for name in source.column_names if name not in there]:
        yield f"            without a value: {', '.join(lacking)}"
    # parsing what is not read takes longer than reading it
    found = connection.execute(
        "select unnest(json_keys(_extra)) as key, count(*) from"
        f" (select _extra from {raw_table(source)} where _extra is not null limit {_EXTRA_ROWS})"
        " group by 1 order by 2 desc, 1"
    ).fetchall()
    if not found:
        return
    ((rows,),) = connection.execute(f"select count(*) from {raw_table(source)}").fetchall()
    of = f" (of the first {_EXTRA_ROWS:,} rows)" if rows > _EXTRA_ROWS else ""
    unread = [name for name, _ in found if not source.target(name)]
    days = [name for name in unread if source.time_name and name_key(name) in DATE_NAMES]
    for what, names in (
        (
            "beside another of their meaning, read where that is empty",
            [name for name, _ in found if source.target(name)],
        ),
        ("put before the time where that is a time of day", days),
        ("not read", [name for name in unread if name not in days]),
    ):
        if names:
            shown = ", ".join(in_print(name) or "(without a name)" for name in names[:_SHOWN])
            yield f"            {what}{of}: {shown}"


def _type_lines(
    connection: duckdb.DuckDBPyConnection, source: Source, settings: Settings
) -> Iterator[str]:
    """The words for what happened, with what they become; of a row without one what it becomes."""
    words = [f"delivered.{quoted(name)}" for name in source.type_names]
    if len(words) != 1:  # what always has a word has one column for it
        words.append("candidate.event_type")
    word = f"coalesce({', '.join(words)})"
    known = rule_macros(settings).known_event_types()
    found = connection.execute(
        f"""
        select {word} as word, candidate.event_type, count(*),
            coalesce(candidate.event_type in ({known}), false)
        from {raw_table(source)} as delivered
        inner join main.candidate_events as candidate
            on delivered._load_id = candidate.load_id and delivered._line = candidate.line
        group by all order by 3 desc, 1, 2
        """
    ).fetchall()
    becomes = ((each, _value(each[1]) if each[3] else "activity only") for each in found[:_SHOWN])
    shown = [f"{_value(word)} {count:,} -> {type_}" for (word, _, count, _), type_ in becomes]
    if len(found) > _SHOWN:
        shown.append(f"and {len(found) - _SHOWN} more")
    yield f"Types       {'; '.join(shown) or 'none'}"


def _id_lines(connection: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    # of rows that a run would drop nobody is counted
    ((visitors, users, without, refused),) = connection.execute(
        "select count(distinct visitor_id) filter (where drop_reason is null),"
        " count(distinct user_id) filter (where drop_reason is null),"
        " count(*) filter (where drop_reason = 'no_identity'),"
        " count(*) filter (where drop_reason = 'no_consent') from main.candidate_events"
    ).fetchall()
    line = (
        f"Ids         {_count(visitors, 'visitor')}, {_count(users, 'user')},"
        f" {_count(without, 'row')} of nobody"
    )
    yield f"{line}, {_count(refused, 'row')} without consent" if refused else line
    for name in sorted(source.person_columns):
        column = quoted(name)
        # each id once: whether it means nobody takes a pattern to find out
        nobody = connection.execute(
            f"select {column}, row_count from (select {column}, count(*) as row_count"
            f" from {raw_table(source)} where {column} is not null group by 1)"
            f" where {known_id(column, source.placeholders)} is null"
            f" order by 2 desc, 1 limit {_SHOWN}"
        ).fetchall()
        if nobody:
            values = ", ".join(f"{_value(value)} {count:,}" for value, count in nobody)
            yield f"            {name} means nobody in: {values}"
    for kind, id_, visitors in connection.execute(
        "select kind, id, visitor_count from main.suspicious_ids"
        f" order by visitor_count desc, kind, id limit {_SHOWN}"
    ).fetchall():
        yield f"            suspicious {kind}: {_value(id_)}, {_count(visitors, 'visitor')}"


def _time_lines(connection: duckdb.DuckDBPyConnection, source: Source) -> Iterator[str]:
    ((first, last),) = connection.execute(
        "select min(event_at), max(event_at) from main.candidate_events where drop_reason is null"
    ).fetchall()
    if first is None:
        yield "Time        no row has a time that can be read"
        return
    line = f"Time        {first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} UTC"
    if source.time_name:
        time = quoted(source.time_name)
        ((naive,),) = connection.execute(
            f"select count(*) from {raw_table(source)} where {time} not like '%Z'"
            f" and regexp_matches({time}, {literal(DATE)})"
            f" and not regexp_matches({time}, {literal(OFFSET)})"
        ).fetchall()
        if naive:
            line += f"; {_count(naive, 'time')} without an offset, read as {source.zone}"
        ((days, times),) = connection.execute(
            f"select count(*) filter (where regexp_matches({time}, {literal(MIDNIGHT)})),"
            f" count({time}) from {raw_table(source)}"
        ).fetchall()
        if 2 * days > times:
            line += (
                f"; {days:,} of {_count(times, 'time')} are a day without a time of day, read as"
                " its midnight: deliver the time of day, or sessions and hours to write are wrong"
            )
    yield line


def _page_lines(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """What addresses say of page views, and the commonest that say nothing."""
    ((pages, typed, items, lists),) = connection.execute(
        "select count(*), count(page_type), count(*) filter (where viewed_type = 'view_item'),"
        " count(*) filter (where viewed_type = 'view_item_list') from main.candidate_events"
        " where event_type = 'page_view' and drop_reason is null"
    ).fetchall()
    if not pages:
        return
    ((doubled,),) = connection.execute("select count(*) from main.doubled_views").fetchall()
    line = (
        f"Pages       {_count(pages, 'page view')}, {pages - typed:,} without a type by their"
        f" address; {items:,} of an item, {lists:,} of a list"
    )
    if doubled:
        line += f", {doubled:,} of them beside a view that was delivered"
    yield line
    commonest = connection.execute(
        "select untyped_path, page_view_count from main.untyped_addresses"
        f" order by 2 desc, 1 limit {_SHOWN}"
    ).fetchall()
    if commonest:
        shown = "; ".join(f"{_value(path)} {count:,}" for path, count in commonest)
        yield f"            without a type: {shown} (address_rules.csv gives them one)"


def _item_lines(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    ((flat, listed, items, unpriced),) = connection.execute(
        "select (select count(*) from main.candidate_events"
        " where item_id is not null and drop_reason is null),"
        " count(distinct row_key), count(*), count(*) filter (where price is null)"
        " from main.candidate_items where row_key in"
        " (select row_key from main.candidate_events where drop_reason is null)"
    ).fetchall()
    ((adds, priceless),) = connection.execute(
        "select count(*), count(*) filter (where price is null and row_key not in"
        " (select row_key from main.candidate_items where price is not null))"
        " from main.candidate_events where event_type = 'add_to_cart' and drop_reason is null"
        " and row_key not in (select row_key from main.duplicate_rows)"
    ).fetchall()
    yield (
        f"Items       {_count(flat, 'row')} with an item, {_count(listed, 'row')} with a list of"
        f" {items:,} in all ({unpriced:,} without a price); {_count(adds, 'add')},"
        f" {priceless:,} without a price"
    )
    # without one of its own an item has the event's; what a row says itself may be of its list
    currencies = connection.execute(
        "select currency, count(*) from (select currency, price from main.candidate_events"
        " where drop_reason is null and row_key not in (select row_key from main.candidate_items)"
        " union all select coalesce(item.currency, event.currency), item.price"
        " from main.candidate_items as item"
        " inner join main.candidate_events as event on item.row_key = event.row_key"
        " where event.drop_reason is null)"
        f" where price is not null group by 1 order by 2 desc, 1 limit {_SHOWN}"
    ).fetchall()
    if currencies:
        shown = ", ".join(f"{currency or 'none'} {count:,}" for currency, count in currencies)
        yield f"Currencies  of prices: {shown}"


def _aside_lines(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Each reason for which rows are set aside, with one of them and what is wrong with it."""
    for action, reason, count, file, line, detail, row in connection.execute(
        "select action, reason, count(*), min_by(file, (load_id, line)),"
        " min_by(line, (load_id, line)), arg_min_null(detail, (load_id, line)),"
        " arg_min_null(raw_row, (load_id, line))"
        " from main.set_aside_rows group by all order by action, 3 desc, reason"
    ).fetchall():
        said = ": ".join(each for each in (detail, _without_nulls(row or "")) if each)
        example = in_print(said)[:_SHOWN_CHARACTERS]
        yield (
            f"{action.capitalize():<11} {reason}: {_count(count, 'row')}, the first is line"
            f" {line} of {in_print(file)}{example and f': {example}'}"
        )


def _outcome_lines(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    ((sessions, bots),) = connection.execute(
        "select count(*), count(*) filter (where is_suspected_bot) from main.sessions"
    ).fetchall()
    ((orders,),) = connection.execute("select count(*) from main.orders").fetchall()
    carts = connection.execute(
        "select status, count(*) from main.carts group by 1 order by 2 desc, 1"
    ).fetchall()
    statuses = ", ".join(f"{count:,} {status}" for status, count in carts)
    total = sum(count for _, count in carts)
    yield (
        f"A run makes {_count(sessions, 'session')}"
        + (f" ({bots:,} of suspected bots)" if bots else "")
        + f", {_count(total, 'cart')}"
        + (f" ({statuses})" if carts else "")
        + f", {_count(orders, 'order')}"
    )
    for currency, value, count in connection.execute(
        "select currency, sum(order_value), count(*) from main.orders where order_value is not null"
        " group by 1 order by 3 desc, 1"
    ).fetchall():
        yield f"            orders in {currency or 'no currency'}: {count:,}, worth {value:,}"


def _without_nulls(row: str) -> str:
    """A row in JSON without the fields that it has not; any other text as it is."""
    try:
        fields = json.loads(row)
    except ValueError:
        return row
    if not isinstance(fields, dict):
        return row
    return json.dumps({k: v for k, v in fields.items() if v is not None}, ensure_ascii=False)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _value(text: str | None) -> str:
    """A delivered value in print; one with blanks around it, or none, is seen to be so."""
    if text is None:
        return "none"
    shown = in_print(text[:_SHOWN_CHARACTERS])
    return shown if shown.strip() == shown and shown else literal(shown)
