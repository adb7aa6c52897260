import polars as pl
import pytest

from ml.people.channels import answered, of_people

SCHEMA = {
    "person_id": pl.String,
    "channel": pl.String,
    "campaign": pl.String,
    "status": pl.String,
    "count": pl.Int64,
}


def messages(*rows: tuple[str, str, str, str, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def columns(people: list[str], *rows: tuple[str, str, str, str, int]) -> pl.DataFrame:
    return pl.DataFrame(of_people(pl.Series("person_id", people), messages(*rows)))


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        ([("sent", 1), ("opened", 3)], (1, 1)),
        ([("clicked", 1)], (1, 1)),
        ([("sent", 4), ("delivered", 3), ("opened", 2), ("clicked", 1)], (4, 2)),
        ([("delivered", 2), ("clicked", 2), ("opened", 1)], (2, 2)),
        ([("sent", 2), ("bounced", 2)], (2, 0)),
        ([("unsubscribed", 1)], (1, 0)),
    ],
)
def test_a_message_is_answered_once_however_often_it_is_opened(reports, expected):
    found = answered(messages(*(("a", "email", "x", *each) for each in reports)))
    assert found.rows() == [("a", "email", *expected)]


def test_campaigns_and_channels_are_counted_apart():
    found = answered(
        messages(
            ("a", "email", "x", "sent", 1),
            ("a", "email", "x", "opened", 2),
            ("a", "email", "y", "sent", 1),
            ("a", "sms", "x", "sent", 1),
        )
    )
    assert sorted(found.rows()) == [("a", "email", 2, 1), ("a", "sms", 1, 0)]


def test_a_share_is_drawn_to_the_shops_by_ten_messages():
    # of the shop 15 of 60 are answered
    found = columns(
        ["b", "a", "nobody"],
        ("a", "email", "x", "sent", 10),
        ("a", "email", "x", "opened", 10),
        ("b", "email", "x", "sent", 50),
        ("b", "email", "x", "clicked", 5),
    )
    assert found["p_response_email"].to_list() == [
        round((5 + 2.5) / 60, 6),
        round((10 + 2.5) / 20, 6),
        None,
    ]
    assert found["preferred_channel"].to_list() == ["email", "email", None]
    for channel in ("sms", "ads", "onsite"):
        assert found[f"p_response_{channel}"].to_list() == [None] * 3


def test_of_equal_channels_the_first_is_preferred():
    rows = [
        ("a", channel, "x", status, 1)
        for channel in ("onsite", "sms", "ads")
        for status in ("sent", "opened")
    ]
    assert columns(["a"], *rows)["preferred_channel"].to_list() == ["sms"]
    better = [*rows, ("b", "sms", "x", "sent", 1)]
    assert columns(["a", "b"], *better)["preferred_channel"].to_list() == ["ads", "sms"]


def test_where_nothing_was_ever_sent_there_is_nothing():
    found = columns(["a", "b"])
    assert found.schema == {
        "p_response_email": pl.Float64,
        "p_response_sms": pl.Float64,
        "p_response_ads": pl.Float64,
        "p_response_onsite": pl.Float64,
        "preferred_channel": pl.String,
    }
    assert all(found[name].to_list() == [None, None] for name in found.columns)
    assert columns([]).height == 0
