import numpy as np
import polars as pl
import pytest

from ml.holdout import is_held_out
from tests.ml.carts import KEY, decided

PERSON_1 = 0xA2597FAEC11A72C8 / 2**64


def test_the_holdout_is_its_share_and_stays_the_same_for_everyone():
    people = pl.Series([f"person {i}" for i in range(20_000)])
    held_out = is_held_out(people, key=KEY, share=0.05)
    assert held_out.mean() == pytest.approx(0.05, abs=0.005)
    assert is_held_out(people.reverse(), key=KEY, share=0.05).equals(held_out.reverse())
    wider = is_held_out(people, key=KEY, share=0.1)
    assert (wider | ~held_out).all()  # a larger share adds people and frees none
    other = is_held_out(people, key=b"another secret", share=0.05)
    assert (held_out & other).mean() < 0.01
    # printf 'person 1' | openssl dgst -sha256 -hmac 'a secret of the shop', first 16 digits / 2^64
    assert is_held_out(pl.Series(["person 1"]), key=KEY, share=PERSON_1 + 1e-9).item()
    assert not is_held_out(pl.Series(["person 1"]), key=KEY, share=PERSON_1 - 1e-9).item()


def test_the_carts_of_one_owner_are_held_out_together():
    rows = [{"owner_id": "u1"}, {"owner_id": "u1"}, {"visitor_id": "u1"}]
    for share in np.linspace(0, 1, 21):
        held_out = decided(rows, holdout_share=float(share))["is_holdout"]
        assert held_out.n_unique() == 1


def test_all_or_nobody_may_be_held_out():
    assert decided([{}, {}], holdout_share=0.0)["is_holdout"].to_list() == [False, False]
    assert decided([{}, {}], holdout_share=1.0)["is_holdout"].to_list() == [True, True]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: is_held_out(pl.Series(["a"]), key=b"", share=0.1), "the holdout key is empty"),
        (lambda: decided([{}], holdout_share=5), "holdout_share is 5, it must be between 0 and 1"),
    ],
)
def test_values_out_of_range_are_refused_in_one_line(make, message):
    with pytest.raises(ValueError, match=message):
        make()
