"""The carts that the bench draws are scored like those they were drawn from."""

import duckdb
import pytest

from bench import own_steps
from orchestration.ground.home import Home

HOUR = "2026-11-01T00:00:00"
CARTS = 3_000


def scores(home):
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        query = "select cart_id, p_abandon, p_return_24h, cart_value from scores.cart_scores"
        return {cart_id: row for cart_id, *row in connection.execute(query).fetchall()}


@pytest.mark.heavy
def test_a_drawn_cart_is_scored_as_the_one_it_was_drawn_from(simulated_home, tmp_path):
    source, home = Home(simulated_home), Home(tmp_path)
    drawn = own_steps.more_carts(home, str(CARTS), HOUR, str(simulated_home))
    measured = own_steps.score(home, HOUR, explained="10")
    assert measured["carts"] == CARTS
    assert measured["explained"] == 10
    originals = {cart_id[8:]: row for cart_id, row in scores(source).items()}
    made = scores(home)
    assert drawn["drawn_from"] == len(originals)
    assert len(made) == CARTS
    assert all(row == originals[cart_id[8:]] for cart_id, row in made.items())
