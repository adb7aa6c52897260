"""The tables of the schema `scores` about contacts: whom to contact when, whom never, what it did.

Belongs here: their declarations. Not here: the other tables (`score_tables`), or filling them
(`modelling.contact_plans`, `modelling.holdout_arms`, `outputs.exports.contact_log`,
`modelling.contact_effects`).
"""

from orchestration.warehouse.table import Column, Table

CONTACT_PLANS = Table(
    name="contact_plans",
    description="What is planned for the absences of shoppers who left a cart. One row per absence"
    " and scored hour at which its plan was made, changed, or confirmed under another model.",
    order=("planned_at", "visitor_id"),
    columns=(
        Column("planned_at", "timestamp", "The scored hour, UTC, from which on the row holds."),
        Column("cart_id", "varchar", "The cart; see carts."),
        Column("visitor_id", "varchar", "The visitor (cookie) who is away."),
        Column("owner_id", "varchar", "The user behind the visitor, null while unknown."),
        Column(
            "session_ended_at",
            "timestamp",
            "When the shopper was last active before the absence, on any device, UTC.",
        ),
        Column("best_action", "varchar", "nothing, reminder or incentive."),
        Column("contact_not_before", "timestamp", "The planned time, UTC; null for nothing."),
        Column(
            "contact_valid_until",
            "timestamp",
            "When the action is not worth its cost any more, UTC; null for nothing.",
        ),
        Column(
            "expected_gain",
            "decimal(18, 4)",
            "p_away times gain_if_away when the plan was made, in reporting_currency.",
        ),
        Column(
            "gain_if_away",
            "decimal(18, 4)",
            "What the action gains over nothing if the shopper is still away at the planned time.",
        ),
        Column("p_away", "double", "Probability of still being away then, when it was made."),
        Column("p_buy", "double", "Probability of buying without a nudge from that time on."),
        Column("cart_value_base", "decimal(38, 4)", "Value of the cart that it was made for."),
        Column("reporting_currency", "varchar", "Currency of value and gains."),
        Column("abandonment_model", "varchar", "The model that it was last compared with."),
        Column("return_model", "varchar", "The return model of the same time; see models."),
        Column("assumptions", "varchar", "Digest of the settings of economics and contacts."),
    ),
)

HOLDOUT_ARMS = Table(
    name="holdout_arms",
    description="Who is contacted and who is held out to measure what that does. One row per person"
    " and scored hour at which the arm was drawn, taken over at a login, or found to be mixed; the"
    " newest holds.",
    order=("assigned_at", "person_id"),
    columns=(
        Column(
            "person_id", "varchar", "user: and the user's id where it is known, else a visitor."
        ),
        Column("arm", "varchar", "holdout (is never contacted) or treatment."),
        Column("assigned_at", "timestamp", "The scored hour from which on the row holds, UTC."),
        Column(
            "key_id",
            "varchar",
            "Digest of the key that it was drawn with; null for people of hours before 2026-11-29.",
        ),
        Column(
            "is_mixed",
            "boolean",
            "Whether visitors of different arms turned out to be this person, whom measured effects"
            " count where the first contact found them.",
        ),
    ),
)

_CONTACT = (
    Column("contact_id", "varchar", "Hash of export, person and hour."),
    Column("person_id", "varchar", "user: and the user's id."),
    Column("channel", "varchar", "email: the ads have lists, and no contact at a time."),
    Column("export", "varchar", "The export, by its name in the settings."),
)
_PLANNED = (
    Column(
        "send_after",
        "timestamp",
        "The plan's time of contact, or later by what an arm of an experiment says, UTC.",
    ),
    Column("cart_id", "varchar", "The cart that it is about; see carts."),
    Column("segment", "varchar", "Segment of the cart at that hour; see cart_scores."),
    Column("action", "varchar", "The plan's: reminder or incentive."),
    Column("p_abandon", "double", "Probability, at that hour, that no order follows."),
    Column("expected_gain", "decimal(18, 4)", "What the action was expected to gain."),
)
_SESSION_ENDED = Column(
    "session_ended_at",
    "timestamp",
    "When the shopper was last active before the absence, UTC; null where the plan is not kept.",
)

CONTACT_LOG = Table(
    name="contact_log",
    description="Whom the files for e-mail tools had contacted, and what the tools said of it. One"
    " row per person, export and hour at which the person was put on its list.",
    order=("exported_at", "contact_id"),
    columns=(
        *_CONTACT,
        Column("exported_at", "timestamp", "The hour whose files put the person on the list, UTC."),
        *_PLANNED,
        Column(
            "status",
            "varchar",
            "planned, or sent: when a dump of contacts has a message to the person within a day"
            " after the export. Before the first such dump an export counts as sent.",
        ),
        Column(
            "sent_at",
            "timestamp",
            "When it was sent, UTC: the time of that message, or of the export; null if planned.",
        ),
        Column(
            "reported_status",
            "varchar",
            "The furthest that dumps say of that message within seven days: sent, delivered,"
            " opened, clicked, bounced, complained or unsubscribed; null without any.",
        ),
        _SESSION_ENDED,
        Column(
            "sent_action",
            "varchar",
            "What the files said to send: action, or what an arm of an experiment has in its place;"
            " null for hours before 2026-11-30, which had the action.",
        ),
    ),
)

WITHHELD_CONTACTS = Table(
    name="withheld_contacts",
    description="Who is held out and would have been contacted: every other gate let them through."
    " One row per person, export and hour at which the person would have been put on its list.",
    order=("withheld_at", "contact_id"),
    columns=(
        *_CONTACT,
        Column("withheld_at", "timestamp", "The hour whose files would have had the person, UTC."),
        *_PLANNED,
        _SESSION_ENDED,
    ),
)

CAMPAIGN_RESULTS = Table(
    name="campaign_results",
    description="What contacts brought, against people who were held out. One row per week of first"
    " contact, segment, action and channel; a person counts once in a channel, in the arm and with"
    " the plan of the first contact, or of the first that was withheld. A week of which contacts"
    " are too old to be kept (scores_keep_days) stays as it was.",
    order=("week", "segment", "action", "channel"),
    columns=(
        Column("week", "date", "Monday of the week, UTC, of the plan's time of first contact."),
        Column("segment", "varchar", "Segment of the cart at the first contact; see cart_scores."),
        Column("action", "varchar", "reminder or incentive."),
        Column("channel", "varchar", "email."),
        Column("contacted_persons", "bigint", "Persons whose first contact was exported."),
        Column("held_out_persons", "bigint", "Persons whose first contact was withheld."),
        Column(
            "contacted_conversions",
            "bigint",
            "Contacted persons who ordered within seven days of the plan's time, on any device.",
        ),
        Column("held_out_conversions", "bigint", "The same of those held out."),
        Column("contacted_revenue", "decimal(38, 4)", "Their orders, in reporting_currency."),
        Column("held_out_revenue", "decimal(38, 4)", "The same of those held out."),
        Column(
            "difference",
            "double",
            "Share of contacted persons who ordered less that of those held out; null while an arm"
            " has nobody.",
        ),
        Column("difference_low", "double", "Lower end of its 95 % interval (Newcombe)."),
        Column("difference_high", "double", "Upper end."),
        Column(
            "incremental_revenue",
            "decimal(38, 4)",
            "Revenue a contacted person less that a held out one, times the contacted persons.",
        ),
        Column("incremental_revenue_low", "decimal(38, 4)", "Lower end of its 95 % interval."),
        Column("incremental_revenue_high", "decimal(38, 4)", "Upper end."),
        Column(
            "incremental_margin",
            "decimal(38, 4)",
            "margin_rate of incremental_revenue, less incentive_rate of the contacted_revenue that"
            " followed an incentive: orders are taken to be told before the discount.",
        ),
        Column(
            "contact_cost",
            "decimal(38, 4)",
            "Contacts of the week's persons that were put on lists in their seven days, also of"
            " those held out first and contacted later, each at the cost of its own action.",
        ),
        Column("reporting_currency", "varchar", "Currency of all sums; null while there is none."),
        Column(
            "is_mature",
            "boolean",
            "Whether the log has passed seven days after the week. Persons whose seven days have"
            " not passed are not counted.",
        ),
    ),
)

SEGMENT_RESULTS = Table(
    name="segment_results",
    description="What contacts brought among the members of segments of people, against members who"
    " were held out; of the same persons and contacts as campaign_results. One row per week of"
    " first contact, segment and channel; a person counts in every segment they were in then.",
    order=("week", "segment", "channel"),
    columns=(
        Column("week", "date", "Monday of the week, UTC; see campaign_results."),
        Column("segment", "varchar", "Segment of people, as in segment_memberships."),
        Column("channel", "varchar", "Channel of the contacts: email."),
        *(
            CAMPAIGN_RESULTS.column(name)
            for name in (
                "contacted_persons",
                "held_out_persons",
                "contacted_conversions",
                "held_out_conversions",
                "contacted_revenue",
                "held_out_revenue",
                "difference",
                "difference_low",
                "difference_high",
                "incremental_revenue",
                "contact_cost",
                "reporting_currency",
                "is_mature",
            )
        ),
    ),
)

CONTACT_EFFECTS = Table(
    name="contact_effects",
    description="What a nudge does to a shopper's odds of buying, as measured on people who were"
    " held out, and what plans count with. One row per scored hour, segment and action.",
    order=("estimated_at", "segment", "action"),
    columns=(
        Column("estimated_at", "timestamp", "The scored hour, UTC: only what was known then."),
        Column("segment", "varchar", "on_the_fence: nobody else is contacted."),
        Column("action", "varchar", "reminder or incentive."),
        Column("contacted_persons", "bigint", "Persons whose first contact was exported."),
        Column("held_out_persons", "bigint", "Persons whose first contact was withheld."),
        Column("contacted_conversions", "bigint", "Of them, who ordered within seven days."),
        Column("held_out_conversions", "bigint", "The same of those held out."),
        Column("assumed_odds_ratio", "double", "What the settings assume."),
        Column(
            "estimated_odds_ratio",
            "double",
            "What the two arms say, at the best time of contact; null while one has nobody.",
        ),
        Column("odds_ratio_low", "double", "Lower end of its 95 % interval."),
        Column("odds_ratio_high", "double", "Upper end."),
        Column("weight", "double", "How much of the estimate counts, 0 to 1; the rest is assumed."),
        Column("used_odds_ratio", "double", "What plans are made with at that hour."),
        Column("used", "varchar", "assumed, or measured: shrunk towards what was assumed."),
    ),
)
