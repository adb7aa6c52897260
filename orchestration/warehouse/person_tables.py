"""The tables of the schema `scores` about people.

Belongs here: the declarations. Not here: filling them (`modelling.person_scores`).
"""

from orchestration.warehouse.table import Column, Table

PERSON_SCORES = Table(
    name="person_scores",
    description="What the models say of people at the newest hour that was scored. One row per"
    " person.",
    order=("scored_at", "person_id"),
    uncompressed=("person_id",),
    columns=(
        Column("scored_at", "timestamp", "The scored hour, UTC."),
        Column("person_id", "varchar", "Person of the log; see people."),
        Column("p_purchase_7d", "double", "Probability of an order within 7 days; see people."),
        Column("intent_level", "varchar", "high, medium or low; see people."),
        Column("expected_value_365d", "decimal(38, 4)", "Expected revenue; see people."),
        Column("value_tier", "varchar", "high, medium or low by value; see people."),
        Column("next_purchase_at", "timestamp", "When the next order is expected; see people."),
        Column("p_purchase_30d", "double", "Probability of an order within 30 days; see people."),
        Column("best_send_hour", "bigint", "Hour at which to send; see people."),
        Column("best_send_weekday", "bigint", "Weekday on which to send; see people."),
        Column("p_response_email", "double", "Share of e-mails that is answered; see people."),
        Column("p_response_sms", "double", "The same of SMS."),
        Column("p_response_ads", "double", "The same of ads."),
        Column("p_response_onsite", "double", "The same of what is shown in the shop."),
        Column("preferred_channel", "varchar", "Channel answered most; see people."),
        Column("cluster_id", "bigint", "Group of people who are alike; see clusters."),
        Column("cluster_name", "varchar", "Its name; see clusters."),
    ),
)

PERSON_MESSAGES = Table(
    name="person_messages",
    description="What dumps of contacts say was sent to people and what they did; not published."
    " One row per message, person and status.",
    order=("contacted_at", "user_id", "visitor_id"),
    columns=(
        Column("user_id", "varchar", "Whom it went to: as named, else whose address it was."),
        Column("visitor_id", "varchar", "The visitor it was shown to, if one is named."),
        Column("channel", "varchar", "email (also where none is named), sms, ads or onsite."),
        Column("campaign", "varchar", "Name of the campaign, empty where none is given."),
        Column("status", "varchar", "sent, delivered, opened, clicked, bounced or a refusal."),
        Column("contacted_at", "timestamp", "When that was, UTC."),
        Column("known_from", "timestamp", "Since when it is known whose it was, UTC."),
    ),
)

CLUSTER_TABLE = Table(
    name="clusters",
    description="Natural groups of the people of the newest scored hour. One row per group.",
    order=("cluster_id",),
    columns=(
        Column("cluster_id", "bigint", "The group; it keeps its id while it is the same."),
        Column("cluster_name", "varchar", "What sets it apart, most first."),
        Column("scored_at", "timestamp", "The scored hour, UTC."),
        Column("person_count", "bigint", "People in it."),
        Column("share", "double", "Their share of all people."),
        Column(
            "profile", "map(varchar, double)", "Means of what people are grouped by; see people."
        ),
        Column(
            "stability",
            "double",
            "Adjusted Rand index of these groups and those before the last refit, of the same"
            " people: 1 if nobody changed; null before the second.",
        ),
        Column("model_id", "varchar", "The model that groups them; see models."),
    ),
)
