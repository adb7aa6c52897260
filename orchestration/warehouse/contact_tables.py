"""The tables of the schema `scores` that remember whom to contact when, and whom never.

Belongs here: their declarations. Not here: the other tables (`score_tables`), or filling them
(`modelling.contact_plans`, `modelling.holdout_arms`).
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
            "Whether visitors of different arms turned out to be this person: to be left out of"
            " measured effects.",
        ),
    ),
)
