"""What differs between the warehouse and the file that was published last.

Belongs here: the queries that find it, over the warehouse with that file attached as `published`.
Not here: replacing the rows (`published_database`).
"""

from orchestration.warehouse.score_tables import CART_SCORES, HAS_SCORED, UNPUBLISHED_OUTCOMES

# To compare whole days first: a table of all firings takes seconds to compare row by row.
_FIRINGS_BY_DAY = (
    "select fired_at::date as day, count(*) as firing_count, sum(hash(fired)) as firings_hash"
    " from {schema}.trigger_events as fired group by 1"
)

_SET_ASIDE_BY_LOAD = (
    "select load_id, count(*) as row_count, sum(hash(aside)) as rows_hash"
    " from {schema}.set_aside_rows as aside group by 1"
)

_SCORES_BY_HOUR = (
    "select scored_at, count(*) as score_count, sum(hash(score)) as scores_hash"
    f" from (select {', '.join(CART_SCORES.column_names)} from {{schema}}.{CART_SCORES.name}"
    " where scored_at in (select scored_at from hours)) as score group by 1"
)

# What may differ from the last file, by the columns that rows are replaced by.
CHANGED_ROWS = {
    "visitor_id": "select visitor_id from main.unpublished_visitors"
    " union select visitor_id from main.affected_visitors",
    # a load's rows are validated once; later some may go
    "load_id": f"""
        with
            built as ({_SET_ASIDE_BY_LOAD.format(schema="main")}),
            published as ({_SET_ASIDE_BY_LOAD.format(schema="published.main")})
        select load_id
        from ((from built except from published) union (from published except from built))""",
    # hours scored since, but for those that were scored the same again, and hours that were dropped
    "scored_at": f"""
        with
            hours as (
                select as_of as scored_at from scores.runs
                where {HAS_SCORED} and run_id not in
                    (select run_id from published.main.runs where {HAS_SCORED})
            ),
            scored as ({_SCORES_BY_HOUR.format(schema="scores")}),
            published as ({_SCORES_BY_HOUR.format(schema="published.main")})
        select scored_at from hours
        where scored_at not in (select scored_at from (from scored intersect from published))
        union (select scored_at from published.main.cart_scores
        except select scored_at from scores.cart_scores)""",
    "scored_at, cart_id": f"from scores.{UNPUBLISHED_OUTCOMES.name}",
    # whom a trigger fired for since, or no longer does
    "person_id": f"""
        with
            built as ({_FIRINGS_BY_DAY.format(schema="main")}),
            published as ({_FIRINGS_BY_DAY.format(schema="published.main")}),
            days as (
                select day from ((from built except from published)
                union (from published except from built))
            ),
            fired as (from main.trigger_events where fired_at::date in (from days)),
            had_fired as (from published.main.trigger_events where fired_at::date in (from days))
        select person_id
        from ((from fired except from had_fired) union (from had_fired except from fired))""",
}
