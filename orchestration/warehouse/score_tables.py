"""The tables of the schema `scores`, and the list of everything published.

Belongs here: the one declaration of what dbt does not build: names, types, order, descriptions. Not
here: what a declaration is (`table`), plans and arms (`contact_tables`), segments
(`segment_tables`), filling the tables (`modelling`, `run_log`, `late_data`, `outcomes`) or copying
them (`outputs.published_database`).
"""

from dataclasses import dataclass

from ml.horizons import HORIZONS_HOURS, RETURN_WINDOWS
from orchestration.warehouse.contact_tables import (
    CAMPAIGN_RESULTS,
    CONTACT_EFFECTS,
    CONTACT_LOG,
    CONTACT_PLANS,
    HOLDOUT_ARMS,
    SEGMENT_RESULTS,
    WITHHELD_CONTACTS,
)
from orchestration.warehouse.experiment_tables import EXPERIMENT_ARMS, EXPERIMENT_RESULTS
from orchestration.warehouse.person_tables import CLUSTER_TABLE, PERSON_MESSAGES, PERSON_SCORES
from orchestration.warehouse.segment_tables import (
    PERSON_ATTRIBUTES,
    SEGMENT_HISTORY,
    SEGMENT_HOURS,
    SEGMENT_SIZES,
)
from orchestration.warehouse.table import Column, Table

CART_SCORES = Table(
    name="cart_scores",
    description="What was known and advised about a cart at an hour. One row per scored hour and"
    " open cart that was touched within the scoring window.",
    order=("scored_at", "priority_rank"),
    key="scored_at",
    columns=(
        Column("scored_at", "timestamp", "The scored hour, UTC: only events up to it are used."),
        Column("cart_id", "varchar", "The cart; see carts."),
        Column("visitor_id", "varchar", "The visitor (cookie) whose cart it is."),
        Column("owner_id", "varchar", "The user behind the visitor, null while unknown."),
        Column(
            "cart_value",
            "decimal(38, 4)",
            "Value of the priced lines at that hour, in the currency of the cart; null without"
            " a price, or with prices in several currencies.",
        ),
        Column(
            "currency", "varchar", "The one currency of the priced lines, null if unknown or mixed."
        ),
        Column(
            "cart_value_base",
            "decimal(38, 4)",
            "The value in the reporting currency of the hour (see runs), at the rates of the hour;"
            " null without a price, or where a rate is lacking.",
        ),
        Column(
            "p_abandon", "double", "Probability that no order follows within the label horizon."
        ),
        *(
            Column(
                f"p_return_{hours:g}h",
                "double",
                f"Probability that the shopper is back within {hours:g} hours of scored_at, given"
                " the time already gone.",
            )
            for hours in HORIZONS_HOURS
        ),
        Column(
            "expected_return_at",
            "timestamp",
            "When the shopper is expected back, UTC; null when that cannot be said.",
        ),
        Column(
            "return_window",
            "varchar",
            f"The first of {', '.join(RETURN_WINDOWS)} within which a return is more likely than"
            " not, else later.",
        ),
        Column(
            "segment",
            "varchar",
            "likely_to_purchase (buys anyway), on_the_fence (a nudge gains most) or"
            " unlikely_to_purchase (no nudge pays).",
        ),
        Column("best_action", "varchar", "nothing, reminder or incentive."),
        Column(
            "expected_gain",
            "decimal(18, 4)",
            "What the best action is expected to gain over doing nothing at its planned time, in"
            " the reporting currency of the hour (see runs); null where the value lacks a rate.",
        ),
        Column("priority_rank", "bigint", "1 for the greatest expected gain of the hour."),
        Column(
            "contact_not_before",
            "timestamp",
            "The planned time of contact, UTC, which stays while the shopper is away; null if"
            " nothing is advised.",
        ),
        Column(
            "contact_valid_until",
            "timestamp",
            "When the planned contact is not worth its cost any more, UTC; null if nothing is"
            " advised, and for hours scored before 2026-11-29.",
        ),
        Column("reasons", "varchar", "Why p_abandon is what it is, for the top of the list."),
        Column("is_holdout", "boolean", "Whether the person is held out and never exported."),
        Column(
            "is_stale",
            "boolean",
            "Whether the newest event of the log was too old at that hour (stale_after_hours): what"
            " shoppers did since is not in it; null for hours scored before 2026-11-29.",
        ),
        Column(
            "is_suspected_bot",
            "boolean",
            "Whether the visitor had a session by that hour that is suspected to be a bot's: never"
            " exported; null for hours scored before 2026-11-30, which have no such carts.",
        ),
        Column("abandonment_model", "varchar", "The model behind p_abandon; see models."),
        Column("return_model", "varchar", "The model behind the return times; see models."),
    ),
)

SCORE_OUTCOMES = Table(
    name="score_outcomes",
    description="What became of scored carts. One row per row of cart_scores whose label horizon"
    " the log has passed, or whose shopper was seen to order before; kept as long as that row.",
    order=("scored_at", "cart_id"),
    key="scored_at, cart_id",
    columns=(
        Column("scored_at", "timestamp", "The scored hour, UTC."),
        Column("cart_id", "varchar", "The cart as it was known then; see carts."),
        Column("p_abandon", "double", "What was predicted; see cart_scores."),
        Column(
            "is_converted",
            "boolean",
            "Whether the visitor, or one who then had the same owner, ordered within the label"
            " horizon of scored_at, whichever cart that took.",
        ),
        Column("converted_at", "timestamp", "When that was, UTC; null if not."),
        Column(
            "hours_idle",
            "double",
            "Hours since the cart was last touched; null where late rows showed that it was not"
            " open at scored_at, or never was.",
        ),
        Column(
            "is_mature",
            "boolean",
            "Whether the log has passed the label horizon. Before that only carts that were bought"
            " have a row: leave these out of shares.",
        ),
        Column("abandonment_model", "varchar", "The model behind p_abandon; see models."),
        Column("return_model", "varchar", "The model behind the return times; see models."),
    ),
)

MODELS = Table(
    name="models",
    description="The models that were ever learned, with their metrics. One row per model.",
    order=("name", "trained_as_of", "model_id"),
    columns=(
        Column(
            "name",
            "varchar",
            "What it predicts: abandonment, return, intent, value, next_purchase,"
            " send_time or clusters (people).",
        ),
        Column("model_id", "varchar", "First 12 hex digits of the hash of its files."),
        Column("kind", "varchar", "How it was learned; fallback where data was too little."),
        Column("trained_as_of", "timestamp", "The hour it was learned at, UTC."),
        Column("data_from", "timestamp", "Time of the first row learned from, UTC."),
        Column("data_to", "timestamp", "Time of the last row learned from, UTC."),
        Column("row_count", "bigint", "Rows learned from."),
        Column("group_count", "bigint", "Carts (abandonment) or people learned from."),
        Column("is_champion", "boolean", "Whether scores come from it now."),
        Column("verdict", "varchar", "Why it was promoted or not."),
        Column("figures", "map(varchar, double)", "Its quality on rows it did not learn from."),
        Column("note", "varchar", "What is odd about it, else null."),
    ),
)

RUNS = Table(
    name="runs",
    description="The runs, for whoever asks where a number comes from. One row per run.",
    order=("started_at", "run_id"),
    columns=(
        Column("run_id", "varchar", "The run's id in the Dagster UI."),
        Column("job", "varchar", "land, hourly, train, accept or erase."),
        Column("as_of", "timestamp", "The scored hour, UTC; null for land, accept and erase."),
        Column("started_at", "timestamp", "When it began, UTC."),
        Column("finished_at", "timestamp", "When it ended, UTC; null while it runs."),
        Column("status", "varchar", "running, done or failed."),
        Column("files_landed", "bigint", "Files that were new."),
        Column("rows_read", "bigint", "Rows in them."),
        Column("carts_scored", "bigint", "Rows it wrote to cart_scores; null if it did not score."),
        Column(
            "reporting_currency",
            "varchar",
            "Currency of the gains it wrote to cart_scores; null if it did not score, or while no"
            " amount of the log has a currency.",
        ),
        Column("settings", "varchar", "Digest of the settings it ran with."),
        Column("reason", "varchar", "Why a check stopped it, in one line, else null."),
    ),
)

# Of `runs`: those that wrote an hour of cart_scores.
HAS_SCORED = "carts_scored is not null"

SCORE_TABLES = (
    CART_SCORES,
    SCORE_OUTCOMES,
    CONTACT_PLANS,
    HOLDOUT_ARMS,
    SEGMENT_HISTORY,
    SEGMENT_SIZES,
    CONTACT_LOG,
    WITHHELD_CONTACTS,
    CAMPAIGN_RESULTS,
    SEGMENT_RESULTS,
    CONTACT_EFFECTS,
    EXPERIMENT_ARMS,
    EXPERIMENT_RESULTS,
    CLUSTER_TABLE,
    MODELS,
    RUNS,
)

# Beside dbt's late_data_report, which knows no scores: published as its last column.
WITHDRAWN_PRIORITIES = Table(
    name="withdrawn_priorities",
    description="What new rows took back of the priorities published before them. One row per build"
    " that took up loads.",
    order=("load_id",),
    columns=(
        Column("load_id", "bigint", "Newest load the build took up."),
        Column(
            "withdrawn_priority_count",
            "bigint",
            "Carts worth a contact in the priorities published before, which were closed at that"
            " hour or, as known now, never existed.",
        ),
    ),
)

PUBLISHED_FILE = Table(
    name="published_file",
    description="What distinguishes the file that was published last from any other, also from"
    " itself after somebody wrote to it or its disk lost some of it. No row: the next publication"
    " follows no file.",
    order=("modified_ns",),
    columns=(
        Column("bytes", "bigint", "Its size."),
        Column("modified_ns", "bigint", "When it was last written, in ns since 1970."),
        Column("checksum", "bigint", "CRC-32 of its bytes; null where it was not taken yet."),
    ),
)

UNPUBLISHED_OUTCOMES = Table(
    name="unpublished_outcomes",
    description="Which rows of score_outcomes changed, or went, since the tables were published"
    " last. One row per such change.",
    order=("scored_at", "cart_id"),
    columns=(
        Column("scored_at", "timestamp", "The scored hour, UTC."),
        Column("cart_id", "varchar", "The cart."),
    ),
)

HOURS_WITHOUT_OUTCOMES = Table(
    name="hours_without_outcomes",
    description="Hours scored since outcomes were last brought up to the log. One row per such"
    " scoring.",
    order=("scored_at",),
    columns=(Column("scored_at", "timestamp", "The scored hour, UTC."),),
)

OUTCOMES_WATERMARK = Table(
    name="outcomes_watermark",
    description="What the outcomes are up to. One row; no row: nothing was looked at yet.",
    order=("newest_event_at",),
    columns=(
        Column("newest_event_at", "timestamp", "Newest event of the log then, UTC."),
        Column("label_horizon_hours", "bigint", "The setting of that name then."),
    ),
)

ACCEPTED_FILES = Table(
    name="accepted_files",
    description="Files that somebody said are meant as they are, however little they say. One row"
    " per source and content.",
    order=("accepted_at",),
    columns=(
        Column("source", "varchar", "Source its rows were read as."),
        Column("content_hash", "varchar", "SHA-256 of its bytes."),
        Column("accepted_at", "timestamp", "When that was said, UTC."),
    ),
)

AUDIT_LOG = Table(
    name="audit_log",
    description="What was done with people's data, by whom and when, without any of it; rows are"
    " added only. One row per deed.",
    order=("done_at",),
    columns=(
        Column("done_at", "timestamp", "When it was done, UTC."),
        Column("done_by", "varchar", "The user of the machine who did it."),
        Column(
            "deed",
            "varchar",
            "export, delivery, erase, access, rectify, accept, settings, serve (of a model) or"
            " retention.",
        ),
        Column(
            "counts",
            "varchar",
            "How many people, rows, files, and which exports or versions of a model, as JSON.",
        ),
        Column(
            "sha256",
            "varchar",
            "Hash of what was handed out, of several files that of what sha256sum prints of them;"
            " the digest of settings; null if there is nothing.",
        ),
    ),
)


MADE_STEPS = Table(
    name="made_steps",
    description="What steps of an hour were made of, so that the same is not made again. One row"
    " per step, of the hour that it was done for last.",
    order=("step",),
    columns=(
        Column("step", "varchar", "Which; see orchestration/warehouse/made_steps.py."),
        Column("as_of", "timestamp", "The hour, UTC."),
        Column("made_of", "varchar", "Hash of all that it was made of."),
        Column("wrote", "varchar[]", "Names of the models it made, or hashes of its rows."),
    ),
)

# Of the schema, what is not published.
PRIVATE_TABLES = (
    MADE_STEPS,
    WITHDRAWN_PRIORITIES,
    PUBLISHED_FILE,
    UNPUBLISHED_OUTCOMES,
    HOURS_WITHOUT_OUTCOMES,
    OUTCOMES_WATERMARK,
    ACCEPTED_FILES,
    AUDIT_LOG,
    SEGMENT_HOURS,
    PERSON_ATTRIBUTES,
    PERSON_SCORES,
    PERSON_MESSAGES,
)


@dataclass(frozen=True)
class BuiltTable:
    """A table that dbt builds in the schema `main`; the fields as those of `Table`."""

    order: tuple[str, ...]
    key: str | None = None
    uncompressed: tuple[str, ...] = ()


LATE_DATA_REPORT = "late_data_report"
SUSPICIOUS_IDS = "suspicious_ids"
AMOUNTS_WITHOUT_RATE = "amounts_without_rate"
DBT_TABLES = {
    "sessions": BuiltTable(("started_at", "session_id"), "visitor_id"),
    "carts": BuiltTable(("started_at", "cart_id"), "visitor_id"),
    "cart_lines": BuiltTable(("cart_id", "item_id"), "visitor_id"),
    "orders": BuiltTable(("ordered_at", "order_key"), "visitor_id"),
    "order_lines": BuiltTable(("order_key", "line_number"), "visitor_id"),
    "order_items": BuiltTable(("order_key", "visitor_id", "cart_id", "line_number"), "visitor_id"),
    "items": BuiltTable(("item_id",)),
    "also_bought": BuiltTable(("item_id", "other_rank")),
    "trigger_events": BuiltTable(
        ("fired_at", "trigger", "person_id", "item_id", "cart_id"), "person_id"
    ),
    "daily_funnel": BuiltTable(("day",)),
    "people": BuiltTable(("person_id",), uncompressed=("person_id",)),
    AMOUNTS_WITHOUT_RATE: BuiltTable(("day", "kind", "currency")),
    "landed_files": BuiltTable(("load_id",)),
    "set_aside_rows": BuiltTable(("load_id", "line", "action", "reason"), "load_id"),
    SUSPICIOUS_IDS: BuiltTable(("kind", "source", "id")),
    LATE_DATA_REPORT: BuiltTable(("load_id",)),
}
