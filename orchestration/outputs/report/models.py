"""The models that the scores come from.

Belongs here: the section that shows the table `models`. Not here: how scores did since
(`outcomes`).
"""

from collections.abc import Sequence

from ml.card import FALLBACK
from orchestration.outputs.report import formats
from orchestration.outputs.report.parts import Section, Table
from orchestration.outputs.report.published import Published, Row

# The metrics that matter, with what they say; those that a model lacks are left out.
_METRICS = (
    ("auc", "AUC", "1 is perfect, 0.5 is guessing"),
    ("brier", "Brier score", "mean squared error, 0 is perfect"),
    ("brier_constant", "Brier score of one constant", "what knowing nothing reaches"),
    ("ece", "Calibration error (ECE)", "mean gap of predicted and observed"),
    ("predicted_over_observed", "Predicted over observed", "1 is right on average"),
    ("concordance", "Concordance", "1 is perfect order of returns, 0.5 is guessing"),
    ("brier_24h", f"Brier score at 24{formats.NO_BREAK}h", "of being back, 0 is perfect"),
    ("brier_168h", f"Brier score at 168{formats.NO_BREAK}h", "of being back, 0 is perfect"),
    ("kaplan_meier_gap", "Largest gap of the return curve", "to what was observed"),
    ("hits_hour", "Visits within an hour of the own best", "of the newest"),
    ("hits_hour_shop", "Visits within an hour of the shop's best", "the plain answer"),
    ("hits_weekday", "Visits on the own best weekday", "of the newest"),
    ("hits_weekday_shop", "Visits on the shop's best weekday", "the plain answer"),
    ("gain_area", "Area of the gain curve", "more revenue from those expected to spend more"),
    ("gain_area_last_year", "The same by last year's revenue", "the plain answer"),
    ("log_loss", "Log loss", "of the chance, 0 is perfect"),
    ("log_loss_shop", "Log loss of the shop's curve for all", "the plain answer"),
    ("groups", "Groups", "3 to 8"),
    ("stability", "Stability", "adjusted Rand index with the groups before, 1 is the same"),
)


def champions(published: Published) -> list[Row]:
    """The models that scores come from now."""
    if not published.has_rows("models"):
        return []
    return published.rows(
        "select name, model_id, kind, trained_as_of, data_from, data_to, row_count, group_count,"
        " verdict, note, map_entries(figures) as figures"
        " from models where is_champion order by name"
    )


def models(published: Published) -> Section | None:
    """Each champion with the metrics that matter, measured on rows it did not learn from."""
    found = champions(published)
    if not found:
        return None
    (learned,) = published.rows("select count(*) as models from models")
    lead = (
        f"Of {formats.counted(learned['models'], 'model')} that were ever learned, those in use."
        " Figures are of rows that they did not learn from."
    )
    cards = [_card(row) for row in found]
    return Section("models", "The models", lead, tables=cards, is_side_by_side=True)


def _card(row: Row) -> Table:
    figures = {each["key"]: each["value"] for each in row["figures"] or []}
    shown: list[Sequence[str]] = [
        (title, f"{figures[key]:.{0 if key == 'groups' else 3}f}", meaning)
        for key, title, meaning in _METRICS
        if key in figures
    ]
    kind = "a fallback, not learned" if row["kind"] == FALLBACK else row["kind"]
    learned = f"learned at {formats.moment(row['trained_as_of'])} from {row['row_count']:,} rows"
    note = f"{formats.name(row['note'], 300)} " if row["note"] else ""
    return Table(
        f"{formats.words(row['name']).capitalize()}: {row['model_id']} ({kind}), {learned}",
        ["Figure", "Value#", "What it says"],
        shown or [("no figures", formats.NONE, "")],
        note=f"{note}In use because: {formats.name(row['verdict'], 200)}.",
    )
