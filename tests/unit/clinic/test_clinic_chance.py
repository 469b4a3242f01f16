"""Chance from a key."""

from __future__ import annotations

from collections import Counter

from fhir_backpain.clinic.chance import Chance


def test_the_same_key_gives_the_same_draws_and_another_key_others() -> None:
    one, same, other = Chance("a", 1), Chance("a", 1), Chance("a", 2)
    draws = [one.unit() for _ in range(5)]
    assert draws == [same.unit() for _ in range(5)]
    assert draws != [other.unit() for _ in range(5)]


def test_whole_numbers_reach_both_ends_and_no_further() -> None:
    chance = Chance("ends")
    assert {chance.between(3, 6) for _ in range(200)} == {3, 4, 5, 6}


def test_weights_are_kept() -> None:
    chance = Chance("weights")
    counts = Counter(chance.weighted({"often": 9, "never": 0, "rare": 1}) for _ in range(2000))
    assert counts["never"] == 0
    assert 1700 < counts["often"] < 1900


def test_spread_stays_within_its_width_around_nothing() -> None:
    chance = Chance("spread")
    draws = [chance.spread(2.0) for _ in range(2000)]
    assert all(-2 <= draw <= 2 for draw in draws)
    assert abs(sum(draws) / len(draws)) < 0.1
