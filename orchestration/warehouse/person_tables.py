"""The tables of the schema `scores` about people.

Belongs here: the declarations. Not here: filling them (`modelling.person_scores`).
"""

from orchestration.warehouse.table import Column, Table

PERSON_SCORES = Table(
    name="person_scores",
    description="What the models say of people at the newest hour that was scored. One row per"
    " person.",
    order=("scored_at", "person_id"),
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
        Column("cluster_id", "bigint", "Group of people who are alike; see clusters."),
        Column("cluster_name", "varchar", "Its name; see clusters."),
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
