"""The clauses of a condition as text: tests of single values, and of lists."""

from __future__ import annotations

import pytest

from fhir_backpain.mapping.clause import Clause, Holding, read_clauses, read_holdings


def test_a_condition_is_read_into_its_clauses() -> None:
    text = "score.measure is odi and scores.measure has ndi or eq5d-vas and a.b is not missing"
    assert read_clauses(text) == [
        Clause("score.measure", ("odi",), False),
        Clause("a.b", ("missing",), True),
    ]
    (holding,) = read_holdings(text)
    assert holding == Holding("scores", "measure", ("ndi", "eq5d-vas"))
    assert holding.at("pain.ratings") == "pain.ratings.measure has ndi or eq5d-vas"


@pytest.mark.parametrize(
    ("text", "held", "missed"),
    [
        ("a is x or y", ["x", "y"], ["z", None]),
        ("a is not x or y", ["z", None], ["x", "y"]),
        ("a is no word", [], ["x", None]),
        ("a is not no word", ["x", None], []),
    ],
)
def test_a_clause_holds_for_each_of_its_words(
    text: str, held: list[str | None], missed: list[str | None]
) -> None:
    (clause,) = read_clauses(text)
    assert [clause.holds(one) for one in (*held, *missed)] == [True] * len(held) + [False] * len(
        missed
    )
    assert read_clauses(clause.at("a")) == [clause]


@pytest.mark.parametrize("text", ["a is x or missing", "a is true or false", "a is x or", "a is"])
def test_what_stands_alone_is_not_one_of_several_words(text: str) -> None:
    assert read_clauses(text) == []


@pytest.mark.parametrize(
    "text", ["scores has ndi", "scores.measure has", "a.b has x or ", "a.b has x, y"]
)
def test_what_is_no_test_of_a_list_is_none(text: str) -> None:
    assert read_holdings(text) == []
