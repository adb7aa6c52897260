"""Which channel a person answers through.

What belongs here: what share of a person's messages was answered, by channel, drawn to the shop's.
What does not: where messages are known from, or whether somebody may be contacted at all.
"""

import polars as pl

CHANNELS = ("email", "sms", "ads", "onsite")
# The shop's share counts as much as so many messages of the person's own.
PRIOR_MESSAGES = 10.0
DIGITS = 6


def answered(messages: pl.DataFrame) -> pl.DataFrame:
    """person_id, channel, messages and answers of who was sent any.

    A campaign reports a message several times: it counts as sent as often as it was sent or
    delivered, whichever is more, and as answered as often as it was opened or clicked, but no more
    often than it was sent.

    Args:
        messages: person_id, channel, campaign, status (sent, delivered, opened, clicked, bounced,
            complained, unsubscribed) and count.
    """

    def times(status: str) -> pl.Expr:
        return pl.col("count").filter(pl.col("status") == status).sum()

    by_campaign = messages.group_by("person_id", "channel", "campaign").agg(
        messages=pl.max_horizontal(times("sent"), times("delivered"), 1),
        answers=pl.max_horizontal(times("opened"), times("clicked")),
    )
    return by_campaign.group_by("person_id", "channel").agg(
        pl.col("messages").sum(), pl.min_horizontal("messages", "answers").sum().alias("answers")
    )


def of_people(people: pl.Series, messages: pl.DataFrame) -> list[pl.Series]:
    """`p_response_<channel>` of people, in their order, null without a message, and
    `preferred_channel`: that of the highest; of equals the first of ``CHANNELS``.

    Args:
        people: person_id.
        messages: as for ``answered``; of everybody.
    """
    found = answered(messages)
    rate = pl.col("answers").sum().over("channel") / pl.col("messages").sum().over("channel")
    shares = found.select(
        "person_id",
        "channel",
        p=(
            (pl.col("answers") + PRIOR_MESSAGES * rate) / (pl.col("messages") + PRIOR_MESSAGES)
        ).round(DIGITS),
    )
    frame = people.cast(pl.String).rename("person_id").to_frame()
    columns = []
    for channel in CHANNELS:
        own = shares.filter(channel=channel).select("person_id", "p")
        column = frame.join(own, on="person_id", how="left", maintain_order="left")["p"]
        columns.append(column.cast(pl.Float64).rename(f"p_response_{channel}"))
    return [*columns, _preferred(columns)]


def _preferred(columns: list[pl.Series]) -> pl.Series:
    frame = pl.DataFrame(columns)
    highest = pl.max_horizontal(*(each.name for each in columns))
    named = [
        pl.when(pl.col(each.name) == highest).then(pl.lit(channel))
        for channel, each in zip(CHANNELS, columns, strict=True)
    ]
    return frame.select(pl.coalesce(*named).cast(pl.String).alias("preferred_channel")).to_series()
