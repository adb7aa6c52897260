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
    ),
)
