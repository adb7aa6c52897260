"""A notebook: the first ten questions of tables.md, each with its picture, over the published file.

`make notebook` opens it (`COMEBACK_HOME` says whose file). The SQL is that of the page, so that it
is in one place; write your own in the last cell. The file is opened for reading, a moment at a
time: no run waits for it.
"""

import marimo

app = marimo.App(width="medium", app_title="Ten questions")

with app.setup:
    import re
    from collections.abc import Callable
    from datetime import timedelta
    from io import BytesIO
    from pathlib import Path

    import duckdb
    import marimo as mo
    import polars as pl
    from matplotlib.axes import Axes
    from matplotlib.dates import ConciseDateFormatter
    from matplotlib.figure import Figure

    from ml.card import FALLBACK
    from ml.plots import BLUE, GREY, ORANGE
    from orchestration.ground.home import Home

    PUBLISHED = Home.from_environment().published
    PAGE = Path(__file__).with_name("tables.md").read_text(encoding="utf-8")
    SECTIONS = re.findall(r"^## \d+\. (.*?)$(.*?)(?=^## |\Z)", PAGE, re.S | re.M)
    WINDOWS = ["4h", "8h", "24h", "72h", "168h", "later"]
    COLOURS = {"nothing": GREY, "reminder": BLUE, "incentive": ORANGE}


@app.function
def query(sql: str) -> pl.DataFrame:
    """Rows of the published file; its decimals as numbers, which pictures need."""
    with duckdb.connect(str(PUBLISHED), read_only=True) as published:
        rows = published.sql(sql).pl()
    return rows.with_columns(pl.selectors.decimal().cast(pl.Float64))


@app.function
def answers(number: int) -> list[pl.DataFrame]:
    """What the queries of a question of the page return."""
    return [query(sql) for sql in re.findall(r"```sql\n(.*?)```", SECTIONS[number - 1][1], re.S)]


@app.function
def drawn(rows: pl.DataFrame, draw: Callable[[Axes], None], height: float = 3.6) -> Figure | None:
    """The picture of an answer; None while it has no rows."""
    if rows.is_empty():
        return None
    figure = Figure(figsize=(8, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    draw(axes)
    return figure


@app.function
def name_days(axes: Axes) -> None:
    """Days along the axis, the month once."""
    axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator()))


@app.function
def answer(number: int, picture: Figure | None, *tables: pl.DataFrame) -> mo.Html:
    """A question with its picture, its rows and its SQL."""
    title, text = SECTIONS[number - 1]
    said, *_ = text.partition("```sql")
    if picture is None:
        shown = mo.callout("No row yet: what this asks for has not happened, or is not known.")
    else:
        content = BytesIO()
        picture.savefig(content, format="png", dpi=120)
        alt = f"{title} {picture.axes[0].get_xlabel()}, {picture.axes[0].get_ylabel()}"
        shown = mo.image(content.getvalue(), alt=alt)
    sql = "\n".join(re.findall(r"```sql\n.*?```", text, re.S))
    rows = {"Rows" if len(tables) == 1 else f"Rows {at}": each for at, each in enumerate(tables, 1)}
    return mo.vstack(
        [mo.md(f"## {number}. {title}\n\n{said}"), shown, mo.accordion({**rows, "SQL": mo.md(sql)})]
    )


@app.cell(hide_code=True)
def _():
    ((hour, currency),) = query(
        "select as_of, reporting_currency from runs where status = 'done' and as_of is not null"
        " order by started_at desc limit 1"
    ).rows()
    money = currency or "no currency"
    mo.md(
        f"# Ten questions\n\nOf the hour {hour:%Y-%m-%d %H:%M} UTC, sums in {money}: `{PUBLISHED}`"
    )
    return (money,)


@app.cell
def _(money):
    (nudges,) = answers(1)

    def draw_nudges(axes: Axes) -> None:
        best = nudges.reverse()
        colours = [COLOURS[each] for each in best["best_action"]]
        axes.barh(
            [f"{each}." for each in best["priority_rank"]], best["expected_gain"], color=colours
        )
        for action in best["best_action"].unique().sort():
            axes.barh([0], [0], color=COLOURS[action], label=action)
        axes.legend(frameon=False, title="best action")
        axes.set(xlabel=f"expected gain in {money}", ylabel="rank")

    picture_1 = drawn(nudges, draw_nudges, height=5)
    answer(1, picture_1, nudges)
    return nudges, picture_1


@app.cell
def _():
    (days,) = answers(2)

    def draw_days(axes: Axes) -> None:
        axes.bar(days["day"], days["abandonment_rate"], color=GREY, alpha=0.5, label="abandoned")
        known = days.filter(pl.col("is_mature"))
        axes.plot(known["day"], known["recovery_rate"], color=BLUE, marker="o", label="recovered")
        axes.legend(frameon=False, ncols=2, loc="lower left", bbox_to_anchor=(0, 1))
        axes.set(xlabel="day", ylabel="share of carts; of those abandoned", ylim=(0, 1))
        name_days(axes)

    picture_2 = drawn(days, draw_days)
    answer(2, picture_2, days)
    return days, picture_2


@app.cell
def _():
    (left_behind,) = answers(3)

    def draw_left_behind(axes: Axes) -> None:
        most = left_behind.reverse()
        axes.barh(most["item_id"].cast(str), most["carts"], color=BLUE)
        axes.set(xlabel="open carts that were abandoned with it", ylabel="item")

    picture_3 = drawn(left_behind, draw_left_behind, height=5)
    answer(3, picture_3, left_behind)
    return left_behind, picture_3


@app.cell
def _():
    (campaigns,) = answers(4)

    def draw_campaigns(axes: Axes) -> None:
        most = campaigns.reverse()
        bars = axes.barh(most["came_from"], most["orders_per_session"], color=BLUE)
        axes.bar_label(bars, [f"{each:,}" for each in most["sessions"]], padding=3, color=GREY)
        axes.set(xlabel="orders per session; beside it, sessions", ylabel="came from")

    picture_4 = drawn(campaigns, draw_campaigns, height=5)
    answer(4, picture_4, campaigns)
    return campaigns, picture_4


@app.cell
def _():
    (recoveries,) = answers(5)

    def draw_recoveries(axes: Axes) -> None:
        newest = recoveries["day"].max()
        for hours, days_later, colour in ((72, 3, GREY), (24, 1, BLUE), (4, 1, ORANGE)):
            # of later days it is not known yet
            known = recoveries.filter(pl.col("day") <= newest - timedelta(days=days_later))
            share = known[f"within_{hours}h"] / known["abandoned"]
            axes.plot(known["day"], share, color=colour, label=f"within {hours} h")
        axes.legend(frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 1))
        axes.set(xlabel="day of abandonment", ylabel="share bought")
        axes.set_ylim(bottom=0)
        name_days(axes)

    picture_5 = drawn(recoveries, draw_recoveries)
    answer(5, picture_5, recoveries)
    return picture_5, recoveries


@app.cell
def _():
    (returns,) = answers(6)

    def draw_returns(axes: Axes) -> None:
        below = dict.fromkeys(WINDOWS, 0)
        segments = returns["segment"].unique().sort()
        for segment, colour in zip(segments, (BLUE, GREY, ORANGE), strict=False):
            found = dict(
                returns.filter(pl.col("segment") == segment).select("return_window", "carts").rows()
            )
            carts = [found.get(each, 0) for each in WINDOWS]
            axes.bar(WINDOWS, carts, bottom=[*below.values()], color=colour, label=segment)
            below = {each: below[each] + found.get(each, 0) for each in WINDOWS}
        axes.legend(frameon=False)
        axes.set(xlabel="expected back within", ylabel="carts of the newest hour")

    picture_6 = drawn(returns, draw_returns)
    answer(6, picture_6, returns)
    return picture_6, returns


@app.cell
def _():
    (weeks,) = answers(7)

    def draw_weeks(axes: Axes) -> None:
        places = [f"{each:%d %b}" for each in weeks["week"]]
        below = weeks["observed"] - weeks["observed_low"]
        above = weeks["observed_high"] - weeks["observed"]
        axes.errorbar(
            places,
            weeks["observed"],
            yerr=[below, above],
            color=ORANGE,
            marker="s",
            capsize=3,
            linestyle="none",
            label="observed, 95 % interval",
        )
        axes.plot(places, weeks["predicted"], color=BLUE, marker="o", label="predicted")
        axes.legend(frameon=False)
        axes.set(xlabel="week of the score", ylabel="share abandoned")

    picture_7 = drawn(weeks, draw_weeks)
    answer(7, picture_7, weeks)
    return picture_7, weeks


@app.cell
def _():
    (models,) = answers(8)
    # the figures of a fallback are of a model that was learned and is not in use
    judged = query(
        "select name || ' ' || left(model_id, 6) as model, is_champion,"
        " figures['predicted_over_observed'] as ratio from models where ratio is not null"
        f" and kind != '{FALLBACK}' order by trained_as_of, name"
    )

    def draw_models(axes: Axes) -> None:
        axes.axvline(1, color=GREY, linestyle="--")
        colours = [BLUE if each else GREY for each in judged["is_champion"]]
        axes.scatter(judged["ratio"], judged["model"], color=colours)
        axes.set(xlabel="predicted over observed (1 is right); in use: blue", ylabel="model")

    picture_8 = drawn(judged, draw_models, height=1.5 + 0.3 * judged.height)
    answer(8, picture_8, models)
    return models, picture_8


@app.cell
def _():
    (files,) = answers(9)

    def draw_files(axes: Axes) -> None:
        per_file = (
            files.group_by("file", maintain_order=True).agg(pl.col("bad_rows").sum()).reverse()
        )
        axes.barh(per_file["file"], per_file["bad_rows"], color=ORANGE)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set(xlabel="rows set aside", ylabel="file")

    picture_9 = drawn(files, draw_files, height=5)
    answer(9, picture_9, files)
    return files, picture_9


@app.cell
def _():
    effects, results = answers(10)

    def draw_effects(axes: Axes) -> None:
        axes.axvline(1, color=GREY, linestyle="--")
        names = effects["action"]
        axes.scatter(effects["assumed_odds_ratio"], names, color=GREY, label="assumed")
        axes.scatter(effects["used_odds_ratio"], names, color=BLUE, label="plans count with")
        measured = effects.drop_nulls(["odds_ratio_low", "odds_ratio_high"])
        axes.hlines(
            measured["action"],
            measured["odds_ratio_low"],
            measured["odds_ratio_high"],
            color=ORANGE,
            label="measured, 95 % interval",
        )
        axes.legend(frameon=False)
        axes.set(xlabel="odds of buying after a contact, without one: 1", ylabel="action")

    picture_10 = drawn(effects, draw_effects, height=2.5)
    answer(10, picture_10, effects, results)
    return effects, picture_10, results


@app.cell
def _():
    # yours
    query("select table_name, comment from duckdb_tables() order by table_name")
    return


if __name__ == "__main__":
    app.run()
