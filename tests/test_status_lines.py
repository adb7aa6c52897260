"""Lines of the summary of a run, against a published file made by hand."""

from datetime import timedelta

import pytest

from orchestration.status_lines import constant_lines, odd_notes, scored_line, swing_lines
from tests.outputs.small_published_file import HOUR, insert, make_empty


def test_who_is_held_out_is_not_counted_as_worth_a_nudge(tmp_path):
    with make_empty(tmp_path / "analytics.duckdb") as connection:
        for cart, action, is_holdout in (
            *(("a", "reminder", False), ("b", "incentive", False), ("c", "nothing", False)),
            *(("d", "reminder", True), ("e", "nothing", True)),
        ):
            score = {"cart_id": cart, "best_action": action, "is_holdout": is_holdout}
            insert(connection, "cart_scores", scored_at=HOUR, **score)
        assert scored_line(connection, HOUR) == (
            "Scored     5 open carts, 2 worth a nudge; 2 of people who are held out"
        )
        connection.execute("delete from cart_scores where is_holdout")
        assert scored_line(connection, HOUR) == "Scored     3 open carts, 2 worth a nudge"


@pytest.mark.parametrize(
    ("kind", "chances", "is_said"),
    [
        ("fallback", [0.8] * 2, True),
        ("fallback", [0.8], False),
        ("fallback", [0.8, 0.7], False),
        ("fallback", [], False),
        ("trees", [0.8] * 99, False),
        ("trees", [0.8] * 100, True),
    ],
)
def test_that_the_model_is_one_rate_is_said_of_the_first_few_carts(
    tmp_path, kind, chances, is_said
):
    with make_empty(tmp_path / "analytics.duckdb") as connection:
        insert(connection, "models", model_id="m", kind=kind, note="Rates.")
        for chance in chances:
            insert(
                connection,
                "cart_scores",
                scored_at=HOUR,
                p_abandon=chance,
                abandonment_model="m",
            )
        said = ["p_abandon is the same for every cart: Rates."] if is_said else []
        assert [*constant_lines(connection, HOUR)] == said


def test_segments_that_swing_are_said_in_one_line(tmp_path):
    with make_empty(tmp_path / "analytics.duckdb") as connection:
        assert [*swing_lines(connection, HOUR)] == []
        for name, before, now in (("vip", 2, 3), ("new", 2, 4), *((f"s{n}", 9, 1) for n in "1234")):
            for ago, count in ((1, before), (0, now)):
                at = HOUR - timedelta(hours=ago)
                insert(connection, "segment_sizes", as_of=at, segment=name, person_count=count)
        connection.execute("update segment_sizes set version = 1")
        assert [*swing_lines(connection, HOUR)] == [
            "5 segments changed by more than half within a day: new had 2 people within the day"
            " before, now 4; s1 had 9 people within the day before, now 1; s2 had 9 people within"
            " the day before, now 1; and 2 more"
        ]
        connection.execute("delete from segment_sizes where segment not in ('vip', 'new')")
        assert [*swing_lines(connection, HOUR)] == [
            "a segment changed by more than half within a day: new had 2 people within the day"
            " before, now 4"
        ]


def test_who_is_suspected_to_be_a_bot_is_said_and_not_worth_a_nudge(tmp_path):
    with make_empty(tmp_path / "analytics.duckdb") as connection:
        for cart, is_holdout, is_bot in (
            *(("a", False, None), ("b", False, True), ("c", False, True), ("d", True, True)),
        ):
            score = {"is_holdout": is_holdout, "is_suspected_bot": is_bot}
            score |= {"cart_id": cart, "best_action": "reminder"}
            insert(connection, "cart_scores", scored_at=HOUR, **score)
        assert scored_line(connection, HOUR) == (
            "Scored     4 open carts, 1 worth a nudge; 1 of people who are held out;"
            " 2 of suspected bots"
        )
        connection.execute("alter table cart_scores drop column is_suspected_bot")
        assert scored_line(connection, HOUR) == (
            "Scored     4 open carts, 3 worth a nudge; 1 of people who are held out"
        )


def test_that_a_file_has_no_header_line_is_odd_only_beside_something_else():
    declared = "no header line; columns taken in the declared order"
    notes = [("a", declared), ("b", f"{declared}; the text is UTF-16"), ("c", "empty; or cut")]
    assert [*odd_notes(notes)] == [("b", "the text is UTF-16"), ("c", "empty; or cut")]
