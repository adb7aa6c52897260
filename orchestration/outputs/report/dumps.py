"""What became of the rows that were delivered, and which files lost any.

Belongs here: the section that shows files and rows set aside, by name, count and reason. Not here:
any content of a row.
"""

from orchestration.outputs.report import formats
from orchestration.outputs.report.parts import Cell, Section, Table
from orchestration.outputs.report.published import Published, Row

SHOWN_FILES = 12


def totals(published: Published) -> Row:
    """Rows over all files, and how many files are suspect, not read, or lost rows."""
    return published.row(
        "select count(*) as files, coalesce(sum(rows_read), 0)::bigint as rows_read,"
        " coalesce(sum(rows_accepted), 0)::bigint as accepted,"
        " coalesce(sum(rows_duplicate), 0)::bigint as duplicate,"
        " coalesce(sum(rows_dropped), 0)::bigint as dropped,"
        " coalesce(sum(rows_repaired), 0)::bigint as repaired,"
        " count(*) filter (is_suspect) as suspect,"
        " count(*) filter (skipped_reason is not null) as skipped,"
        " count(*) filter (rows_dropped > 0) as lossy"
        " from landed_files"
    )


def dumps(published: Published) -> Section | None:
    """Rows set aside, and the files they came in."""
    if not published.has_rows("landed_files"):
        return None
    all_files = totals(published)
    lead = (
        f"{formats.counted(all_files['rows_read'], 'row')} of"
        f" {formats.counted(all_files['files'], 'file')}: {all_files['accepted']:,} became events,"
        f" {all_files['duplicate']:,} were there already, {all_files['dropped']:,} could not be"
        f" used; of the events {all_files['repaired']:,} had a field repaired."
    )
    tables = [table for table in (_reasons(published), _files(published)) if table is not None]
    return Section("dumps", "Rows set aside, and files to look at", lead, tables=tables)


def _reasons(published: Published) -> Table | None:
    rows = published.rows(
        "select action, reason, count(*) as row_count, count(distinct load_id) as file_count"
        " from set_aside_rows group by action, reason"
        " order by action, row_count desc, reason"
    )
    if not rows:
        return None
    most = max(row["row_count"] for row in rows)
    return Table(
        "Why rows were set aside",
        ["Reason", "What became of them", "Rows#", "Files#"],
        [
            (
                formats.name(formats.words(row["reason"])),
                formats.words(row["action"]),
                Cell(formats.count(row["row_count"]), share=row["row_count"] / most),
                formats.count(row["file_count"]),
            )
            for row in rows
        ],
        note="Each row stands in set_aside_rows with its file, line and reason, which is one word"
        " there: bad_time.",
    )


def _files(published: Published) -> Table | None:
    """Suspect files and those that were not read first, then those that lost most."""
    rows = published.rows(
        """
        with reasons as (
            select load_id, reason, count(*) as row_count from set_aside_rows
            where action = 'dropped' group by load_id, reason
        ),
        commonest as (
            select load_id, arg_min(reason, (-row_count, reason)) as reason from reasons
            group by load_id
        )
        select
            file, source, rows_read, rows_dropped, rows_repaired, is_suspect, skipped_reason,
            commonest.reason
        from landed_files left join commonest using (load_id)
        where is_suspect or skipped_reason is not null or rows_dropped > 0
        order by
            coalesce(is_suspect, false) desc, skipped_reason is not null desc, rows_dropped desc,
            load_id desc, file
        limit ?
        """,
        [SHOWN_FILES],
    )
    if not rows:
        return None
    return Table(
        "Files that lost rows, those to look at first",
        ["File", "Read#", "Dropped#", "Repaired#", "What to know"],
        [
            (
                Cell(formats.name(row["file"], 90), note=formats.name(row["source"])),
                formats.count(row["rows_read"]),
                Cell(
                    formats.count(row["rows_dropped"]),
                    note=formats.share(row["rows_dropped"] / row["rows_read"])
                    if row["rows_read"]
                    else "",
                ),
                formats.count(row["rows_repaired"]),
                _what_to_know(row),
            )
            for row in rows
        ],
        is_wide=True,
    )


def _what_to_know(row: Row) -> str:
    if row["skipped_reason"]:
        return f"not read: {formats.name(formats.words(row['skipped_reason']))}"
    commonest = (
        f"most dropped for {formats.name(formats.words(row['reason']))}" if row["reason"] else ""
    )
    return ", ".join(filter(None, ["suspect" if row["is_suspect"] else "", commonest]))
