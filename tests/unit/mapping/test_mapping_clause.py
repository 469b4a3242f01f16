"""The clauses of a condition as text: tests of single values, and of lists."""

from __future__ import annotations

import pytest

from fhir_backpain.mapping.clause import Clause, Holding, read_clauses, read_holdings


def test_a_condition_is_read_into_its_clauses() -> None:
    text = "score.measure is odi and scores.measure has ndi or eq5d-vas and a.b is not missing"
    assert read_clauses(text) == [
        Clause("score.measure", "odi", False),
        Clause("a.b", "missing", True),
    ]
    (holding,) = read_holdings(text)
    assert holding == Holding("scores", "measure", ("ndi", "eq5d-vas"))
    assert holding.at("pain.ratings") == "pain.ratings.measure has ndi or eq5d-vas"


@pytest.mark.parametrize(
    "text", ["scores has ndi", "scores.measure has", "a.b has x or ", "a.b has x, y"]
)
def test_what_is_no_test_of_a_list_is_none(text: str) -> None:
    assert read_holdings(text) == []
