"""The tables of the schema `scores` about experiments: who is in which arm, and what came of it.

Belongs here: their declarations. Not here: the holdout (`contact_tables`), or filling them
(`modelling.experiment_arms`, `modelling.experiment_results`).
"""

from orchestration.warehouse.table import Column, Table

EXPERIMENT_ARMS = Table(
    name="experiment_arms",
    description="Who is in which arm of which experiment, from when on. One row per experiment and"
    " person, of the hour at which the person would have been contacted first.",
    order=("assigned_at", "experiment", "person_id"),
    columns=(
        Column("experiment", "varchar", "The experiment, by its name in the settings."),
        Column("person_id", "varchar", "user: and the user's id."),
        Column("arm", "varchar", "The arm, by its name in the settings."),
        Column("assigned_at", "timestamp", "The scored hour from which on the row holds, UTC."),
        Column("key_id", "varchar", "Digest of the key that it was drawn with."),
        Column("p_abandon", "double", "Of the person's cart at that hour; see cart_scores."),
    ),
)

EXPERIMENT_RESULTS = Table(
    name="experiment_results",
    description="What the arms of experiments brought, of persons whose seven days since they were"
    " assigned the log has passed, whether they were contacted or not. One row per experiment and"
    " arm; of an experiment that is in the settings no more as it was last.",
    order=("experiment", "arm"),
    columns=(
        Column("experiment", "varchar", "The experiment, by its name in the settings."),
        Column("arm", "varchar", "The arm, by its name in the settings."),
        Column("is_control", "boolean", "Whether the others are compared with it: the first arm."),
        Column("assigned_persons", "bigint", "Persons in the arm, whether counted yet or not."),
        Column("persons", "bigint", "Of them, whose seven days have passed; these are counted."),
        Column("contacted_persons", "bigint", "Of these, who were put on a list in them."),
        Column("conversions", "bigint", "Persons who ordered within the seven days."),
        Column("revenue", "decimal(38, 4)", "Their orders, in reporting_currency."),
        Column("conversion_rate", "double", "conversions over persons; null without any."),
        Column("difference", "double", "conversion_rate less that of the control."),
        Column(
            "difference_low",
            "double",
            "Lower end of its 95 % interval, which holds if it is looked at once, when as many"
            " persons as were planned are there.",
        ),
        Column("difference_high", "double", "Upper end."),
        Column(
            "always_low",
            "double",
            "Lower end of the 95 % interval that holds however often anybody looks.",
        ),
        Column("always_high", "double", "Upper end."),
        Column(
            "planned_persons",
            "bigint",
            "Persons of this arm that show least_effect in four of five experiments, by the chances"
            " of buying that were predicted; null where no share can differ by so much.",
        ),
        Column(
            "reading",
            "varchar",
            "decided: always_low and always_high are on one side of 0. complete: as many persons as"
            " planned are there, and difference_low and difference_high may be read. too_early:"
            " neither, do not stop by them. control: nothing to read.",
        ),
        Column("reporting_currency", "varchar", "Currency of revenue; null while there is none."),
        Column("judged_at", "timestamp", "The scored hour that the row is as of, UTC."),
    ),
)
